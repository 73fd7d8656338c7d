"""The detector that is kept, and files scored by it."""

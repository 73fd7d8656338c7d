"""The saved detector, and scoring of files with it."""

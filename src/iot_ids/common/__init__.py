"""Helpers that every package may import: errors, interruptions, redaction, atomic writes."""

"""What every room may use: errors, interruptions, redaction, imports."""

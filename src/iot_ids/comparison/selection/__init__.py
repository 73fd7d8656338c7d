"""The report `selection`: what choosing features is worth to each model, and what it saves."""

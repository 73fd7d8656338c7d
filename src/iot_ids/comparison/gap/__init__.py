"""The report `gap`: what is left of the score when the question gets harder."""

"""One run: prepare, fit, evaluate, and what it keeps."""

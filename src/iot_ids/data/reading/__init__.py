"""Read files into typed rows."""

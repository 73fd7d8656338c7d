"""Simulated flows of a BoT-IoT-like testbed."""

"""Experiments in detecting intrusions in IoT networks, with numbers that can be believed."""

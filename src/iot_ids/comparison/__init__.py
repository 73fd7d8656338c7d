"""Runs in, one table with intervals out."""

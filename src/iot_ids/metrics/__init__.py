"""Metrics with confidence intervals, calibration, operating points, and an audit for leaks."""

"""Stateless data preparation: reading, cleaning, splitting, simulating and caching flows. Nothing here is fitted."""

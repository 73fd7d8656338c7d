"""What learns nothing: reading, cleaning, splitting, simulating and caching flows."""

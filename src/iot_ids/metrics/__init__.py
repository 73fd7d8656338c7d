"""What a run's answers are worth: metrics with intervals, an audit for leaks, and the pictures."""

"""What is fitted on the training rows alone: outlier bounds, encoding, selection, scaling."""

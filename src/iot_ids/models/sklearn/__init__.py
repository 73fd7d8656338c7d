"""scikit-learn's classifiers as models."""

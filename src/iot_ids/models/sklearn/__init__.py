"""scikit-learn's classifiers."""

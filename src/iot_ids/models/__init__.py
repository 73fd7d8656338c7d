"""Classifiers: recurrent networks trained by Lightning, and scikit-learn's."""

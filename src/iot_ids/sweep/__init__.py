"""Search hyper-parameters on validation rows; test rows are not read. The only package that imports Optuna."""

"""Search for hyper-parameters on validation rows. The only room that knows Optuna; test rows are not read here."""

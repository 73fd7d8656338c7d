"""The report `shortcuts`: what each shortcut of the paper's recipe is worth beside the clean protocol."""

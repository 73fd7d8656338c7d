"""The report `shortcuts`: what each of the paper's shortcuts, and ours, is worth beside the clean protocol."""

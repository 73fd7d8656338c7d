"""The splits: one file each."""

"""The report `unseen`: how many attacks are found that training has never seen."""

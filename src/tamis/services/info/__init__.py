"""Info: what is in a dataset."""

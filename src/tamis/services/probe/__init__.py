"""Small classifiers on stored vectors, kept in the dataset."""

"""History: what was done to a dataset, and ways back and forth."""

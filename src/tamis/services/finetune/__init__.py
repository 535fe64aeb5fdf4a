"""Train an encoder on the dataset's own pictures, without labels, and keep it only if it helps."""

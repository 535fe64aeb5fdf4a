"""A map of a dataset's pictures on which neighbors are alike."""

"""What a user asks of a dataset: duplicates, selection, splits, curation, reports."""

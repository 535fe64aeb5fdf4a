"""The report: one self-contained HTML page on a dataset."""

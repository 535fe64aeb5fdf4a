"""Export: rows as folders of pictures or tables."""

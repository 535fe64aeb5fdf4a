"""Which pictures show what a text says."""

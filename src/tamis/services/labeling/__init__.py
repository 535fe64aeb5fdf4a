"""Labels from few to many, which to look at first, and which are probably wrong."""

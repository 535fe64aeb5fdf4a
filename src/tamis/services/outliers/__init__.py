"""Pictures that are odd as a whole."""

"""The command line and the Python object."""

"""An index of the vectors, for search among millions."""

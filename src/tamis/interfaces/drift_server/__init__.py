"""The server that is told of new pictures and tells whether they have drifted."""

"""How long work is seen from outside and after its end: metrics, state files."""

"""How well predicted boxes agree with true ones."""

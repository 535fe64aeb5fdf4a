"""How well predicted objects agree with true ones."""

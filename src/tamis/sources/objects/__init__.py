"""Pictures at object stores and web servers: their addresses, what is there, and their bytes."""

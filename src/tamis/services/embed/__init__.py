"""Embed: vectors for the pictures that lack them."""

"""Drift: a reference of how pictures look now, and checks of later pictures against it."""

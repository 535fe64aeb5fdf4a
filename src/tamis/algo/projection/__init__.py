"""Vectors in the plane: a layout that keeps neighbors, how well it does, and places in it."""

from tamis.algo.projection.layout import FEWEST_ROWS, neighbor_layout
from tamis.algo.projection.placement import Placement
from tamis.algo.projection.preservation import Preservation, preservation

__all__ = ["FEWEST_ROWS", "Placement", "Preservation", "neighbor_layout", "preservation"]

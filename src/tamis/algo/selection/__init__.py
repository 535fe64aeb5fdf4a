"""Select rows to label: strategies over shared kernels, with quotas and reasons."""

from tamis.algo.selection.picking import select
from tamis.algo.selection.picks import Picks
from tamis.algo.selection.quotas import Quotas

__all__ = ["Picks", "Quotas", "select"]

"""Select rows to label: strategies over shared kernels, with quotas and reasons."""

from tamis.algo.selection.picking import select
from tamis.algo.selection.picks import Picks
from tamis.algo.selection.quotas import Quotas
from tamis.algo.selection.strategies import NEED_PROBABILITIES
from tamis.algo.strategy_names import STRATEGIES, Strategy

__all__ = ["NEED_PROBABILITIES", "STRATEGIES", "Picks", "Quotas", "Strategy", "select"]

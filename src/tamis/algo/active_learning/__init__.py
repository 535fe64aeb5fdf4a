"""Active learning: which strategy to use when, simulation on known labels, and intervals."""

from tamis.algo.active_learning.schedule import (
    COLD_START,
    WITH_PROBE,
    scheduled_strategy,
    strategy_name,
)
from tamis.algo.active_learning.simulation import Draw, Replay, draw_parts, replay
from tamis.algo.intervals import Estimate, mean_of_seeds, share_right

__all__ = [
    "COLD_START",
    "WITH_PROBE",
    "Draw",
    "Estimate",
    "Replay",
    "draw_parts",
    "mean_of_seeds",
    "replay",
    "scheduled_strategy",
    "share_right",
    "strategy_name",
]

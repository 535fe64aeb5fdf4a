"""Rounds of labelling: which strategy when, replays on known labels, and honest intervals."""

from tamis.algo.intervals import Estimate, mean_of_seeds, share_right
from tamis.algo.rounds.schedule import (
    COLD_START,
    WITH_PROBE,
    scheduled_strategy,
    strategy_name,
)
from tamis.algo.rounds.simulation import Draw, Replay, draw_parts, replay

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

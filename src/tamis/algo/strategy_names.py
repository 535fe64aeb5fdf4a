"""The names of the strategies that pick what to label; what each does is in `algo.selection`.

They stand apart so that naming one does not load the code of all.
"""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["STRATEGIES", "Strategy"]

Strategy = Literal[
    "default",
    "random",
    "k-means",
    "facility-location",
    "k-center",
    "typicality",
    "prob-cover",
    "max-herding",
    "uncertainty-herding",
    "dpp",
    "entropy",
    "margin",
    "badge",
    "hierarchical-k-means",
]
"""`default`: facility location, then k-center for the diverse share."""

STRATEGIES: tuple[str, ...] = get_args(Strategy)

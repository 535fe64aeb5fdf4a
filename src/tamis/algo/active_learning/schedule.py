"""Which strategy a round of labelling uses where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.algo.selection import Strategy

__all__ = ["COLD_START", "WITH_PROBE", "scheduled_strategy", "strategy_name"]

COLD_START: Final[Strategy] = "max-herding"
"""While labels are few: what stands for the pictures, whatever a probe thinks."""

WITH_PROBE: Final[Strategy] = "uncertainty-herding"
"""Later: what a probe is unsure of and stands for many."""

LABELS_A_CLASS: Final = 2
"""From this many labels a class, on average, what a probe is unsure of is worth more."""


def scheduled_strategy(labels: NDArray[np.str_]) -> Strategy:
    """Return the strategy for the next round after these labels, `[L]`.

    >>> scheduled_strategy(np.array(["cat", "dog"]))
    'max-herding'
    """
    classes = np.unique(labels).size
    return WITH_PROBE if classes > 1 and labels.size >= LABELS_A_CLASS * classes else COLD_START


def strategy_name(strategy: str | Mapping[str, float]) -> str:
    """Write a strategy, or several with their shares, as one word.

    >>> strategy_name({"margin": 0.5, "random": 0.5})
    'margin:0.5,random:0.5'
    """
    if isinstance(strategy, str):
        return strategy
    return ",".join(f"{name}:{share:g}" for name, share in strategy.items())

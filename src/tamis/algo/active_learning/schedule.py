"""The default strategy of a round of active learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


__all__ = ["COLD_START", "WITH_PROBE", "scheduled_strategy", "strategy_name"]

COLD_START: Final = "max-herding"
"""While labels are few: representative pictures, without a probe."""

WITH_PROBE: Final = "uncertainty-herding"
"""Later: pictures that are representative and that the probe is unsure of."""

LABELS_A_CLASS: Final = 2
"""From this many labels per class on average, the probe's uncertainty is used."""


def scheduled_strategy(labels: NDArray[np.str_]) -> str:
    """Return the strategy for the next round, given the labels so far, `[L]`.

    >>> scheduled_strategy(np.array(["cat", "dog"]))
    'max-herding'
    """
    classes = np.unique(labels).size
    return WITH_PROBE if classes > 1 and labels.size >= LABELS_A_CLASS * classes else COLD_START


def strategy_name(strategy: str | Mapping[str, float]) -> str:
    """Format a strategy, or several with their shares, as one word.

    >>> strategy_name({"margin": 0.5, "random": 0.5})
    'margin:0.5,random:0.5'
    """
    if isinstance(strategy, str):
        return strategy
    return ",".join(f"{name}:{share:g}" for name, share in strategy.items())

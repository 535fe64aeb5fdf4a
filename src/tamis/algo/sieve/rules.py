"""The fixed options of a sieve."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tamis.errors import UsageError

__all__ = ["Rules", "checked_threshold"]


@dataclass(frozen=True)
class Rules:
    """The arguments of `Sieve` that never change, validated."""

    max_kept: int | None = None
    window: float | None = None
    shared: bool = True
    confirm: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_kept is not None and self.max_kept < 1:
            raise UsageError(f"max_kept is {self.max_kept}; keep at least 1 vector")
        if self.window is not None and not 0.0 < self.window < math.inf:
            raise UsageError(f"window is {self.window}; give a number of seconds above 0")
        if not 0.0 < self.confirm <= 1.0:
            raise UsageError(f"confirm is {self.confirm}; give a share above 0 and at most 1")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; give 0 or more")


def checked_threshold(value: float) -> float:
    """Return a cosine similarity after checking that it can be a threshold.

    Raises:
        UsageError: it is outside [-1, 1] or NaN.
    """
    if not -1.0 <= value <= 1.0:
        raise UsageError(f"threshold is {value}; give a cosine similarity in [-1, 1]")
    return float(value)

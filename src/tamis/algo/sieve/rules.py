"""The fixed options of a sieve, and a threshold that adapts to a target rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tamis.algo.sieve.exact_search import chord, cosine_of
from tamis.errors import UsageError

__all__ = ["RateThreshold", "Rules", "checked_threshold"]


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


_LARGEST_DISTANCE = 2.0
_BURST_SHARE = 0.1
_LEAST_BURST = 4.0


class RateThreshold:
    """Adjusts the threshold of a sieve so that it keeps about `target` vectors per `period`.

    Each kept vector increases the distance at which vectors count as new by a factor; time
    decreases it at the rate that balances `target` vectors per period. Hence over any time T at
    most `target * T / period + burst + 1` vectors are kept, whatever is offered, with a burst of a
    tenth of `target` (at least 4). There may be fewer: the distance never falls below that of
    `finest`, so nothing is kept while nothing new happens.

    Source: the argument is that of adaptive conformal inference (Gibbs and Candès, NeurIPS 2021,
    proposition 4.1), on the logarithm of the distance.

    Args:
        target: how many vectors to keep per period.
        period: length of a period in seconds.
        finest: cosine similarity at or above which vectors never count as different.
        start: the initial threshold; `finest` by default.

    Raises:
        UsageError: an argument is out of range.

    Example:
        >>> rate = RateThreshold(target=500, period=86_400, finest=0.99)
        >>> rate.kept(now=0.0); rate.at(now=0.0) < 0.99
        True
    """

    def __init__(
        self, target: float, period: float, *, finest: float, start: float | None = None
    ) -> None:
        if not 0.0 < target < math.inf or not 0.0 < period < math.inf:
            raise UsageError(f"cannot keep {target} in {period} s; give numbers above 0")
        if not -1.0 < finest < 1.0:
            raise UsageError(f"finest is {finest}; give a cosine similarity between -1 and 1")
        self.burst = max(_BURST_SHARE * target, _LEAST_BURST)
        self._rate = target / period
        self._floor = math.log(chord(finest))
        # No distance exceeds 2, so above it nothing is kept and the factor has no effect.
        self._gain = (math.log(_LARGEST_DISTANCE) - self._floor) / self.burst
        self._level = self._floor if start is None else math.log(max(chord(start), chord(finest)))
        self._now: float | None = None

    def at(self, now: float) -> float:
        """Return the threshold (cosine similarity) at a time in seconds."""
        if self._now is not None:
            elapsed = max(0.0, now - self._now)
            self._level = max(self._floor, self._level - self._gain * self._rate * elapsed)
        self._now = now if self._now is None else max(now, self._now)
        return cosine_of(math.exp(self._level))

    def kept(self, now: float) -> None:
        """Record that a vector was kept at this time."""
        self.at(now)
        self._level += self._gain

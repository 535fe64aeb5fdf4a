"""At which verification score to call two pictures the same, learned from the user's pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FALSE_PAIR_RATE", "Calibration", "calibrate"]

FALSE_PAIR_RATE = 1e-4
"""Share of candidate pairs of different shots that may score at or over the threshold."""

_COPY_QUANTILE = 0.02
_TAIL_SHARE = 0.1
# Half of the texture has to agree and more, however far apart different pictures are here: a
# sample cannot show every way of being alike.
_LOWEST, _HIGHEST = 0.6, 0.98
_FEW = 20


@dataclass(frozen=True)
class Calibration:
    """What copies and different pictures score, and the threshold between them.

    Attributes:
        threshold: pairs that score at least this are the same shot.
        separable: whether a threshold keeps `FALSE_PAIR_RATE` and still finds copies of each kind.
        copies_low: score that 98 % of the copies reach, of the kind that scores worst.
        alike_high: score that different pictures pass at `FALSE_PAIR_RATE`, by their tail.
        false_pair_rate: expected share of different candidates at or over the threshold.
        recall: by kind of copy, share at or over the threshold.
        neighbours: quantiles .5, .9 and .99 of the scores of nearest neighbours.
        random: the same of random pairs.
        sampled: pictures that the copies were made of.
    """

    threshold: float
    separable: bool
    copies_low: float
    alike_high: float
    false_pair_rate: float
    recall: dict[str, float]
    neighbours: tuple[float, float, float]
    random: tuple[float, float, float]
    sampled: int


def calibrate(
    copies: Mapping[str, NDArray[np.float32]],
    neighbours: NDArray[np.float32],
    random: NDArray[np.float32],
    threshold: float | None = None,
) -> Calibration:
    """Choose the threshold midway between what copies score and what different pictures score.

    Scores go through Fisher's z. Pairs that score like copies may be duplicates and are
    left out; of the rest, the upper tenth is taken to fall off exponentially, which gives the
    score that different pictures pass at `FALSE_PAIR_RATE`. If that lies over what copies score,
    no threshold separates: the threshold then keeps the rate, and copies are missed.

    Args:
        copies: for each kind of copy, the scores of copies with their originals.
        neighbours: scores of pairs of nearest neighbours, as they become candidates.
        random: scores of random pairs.
        threshold: given by the user; None to choose one.

    Example:
        >>> copies, alike = np.full(100, 0.95), np.linspace(0, 0.2, 100)
        >>> calibrate({"jpeg": copies}, alike, alike).threshold
        0.6
    """
    copies_low = min(
        (float(np.quantile(s, _COPY_QUANTILE)) for s in copies.values() if s.size), default=1.0
    )
    tails = [_Tail.fit(scores[scores < copies_low]) for scores in (neighbours, random)]
    alike_high = max(tail.score(FALSE_PAIR_RATE) for tail in tails)
    separable = alike_high <= copies_low
    if threshold is None:
        middle = (alike_high + copies_low) / 2 if separable else alike_high
        threshold = round(min(max(middle, _LOWEST), _HIGHEST), 3)
    return Calibration(
        threshold=threshold,
        separable=separable,
        copies_low=copies_low,
        alike_high=alike_high,
        false_pair_rate=max(tail.rate(threshold) for tail in tails),
        recall={kind: float((s >= threshold).mean()) for kind, s in copies.items() if s.size},
        neighbours=_quantiles(neighbours),
        random=_quantiles(random),
        sampled=max((s.size for s in copies.values()), default=0),
    )


@dataclass(frozen=True)
class _Tail:
    """Scores over a start fall off exponentially in Fisher's z."""

    start: float
    slope: float

    @classmethod
    def fit(cls, scores: NDArray[np.float32]) -> _Tail:
        if scores.size < _FEW:
            return cls(0.0, 0.05)
        z = _fisher(scores)
        start = float(np.quantile(z, 1 - _TAIL_SHARE))
        over = z[z > start]
        return cls(start, max(float((over - start).mean()) if over.size else 0.0, 0.01))

    def score(self, rate: float) -> float:
        return float(np.tanh(self.start + self.slope * np.log(_TAIL_SHARE / rate)))

    def rate(self, score: float) -> float:
        beyond = float(_fisher(np.array([score]))[0]) - self.start
        return float(_TAIL_SHARE * np.exp(-max(beyond, 0.0) / self.slope))


def _fisher(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    z: NDArray[np.float64] = np.arctanh(np.clip(scores.astype(np.float64), -0.9999, 0.9999))
    return z


def _quantiles(scores: NDArray[np.float32]) -> tuple[float, float, float]:
    if scores.size == 0:
        return (0.0, 0.0, 0.0)
    low, middle, high = np.quantile(scores, [0.5, 0.9, 0.99])
    return float(low), float(middle), float(high)

"""At which verification score to call two pictures the same, learned from the user's pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FALSE_PAIR_RATE", "Calibration", "PairCalibration", "PairThresholds", "calibrate"]

FALSE_PAIR_RATE = 1e-4
"""Share of candidate pairs of different shots that may score at or over the threshold."""

_COPY_QUANTILE = 0.02
# Under the start, scores are cut off by the gates of the verification; worn copies begin about
# the end.
_TAIL_START, _TAIL_END = 0.4, 0.7
# Of photographs of clothes; counts for as much as this many pairs, so that few do not mislead.
_USUAL_SLOPE, _FEW = 0.1, 50
_LARGEST_SLOPE = 1.0
# Half of the texture has to agree and more, however far apart different pictures are here: a
# sample cannot show every way of being alike.
_LOWEST, _HIGHEST = 0.6, 0.98


@dataclass(frozen=True)
class PairThresholds:
    """The two lines that verdicts are drawn with.

    Attributes:
        copy: score at or above which nothing differs.
        changed: view at or above which two pictures show the same view or template.
    """

    copy: float
    changed: float


@dataclass(frozen=True)
class PairCalibration:
    """What the user's own pictures say about verdicts.

    Attributes:
        thresholds: the lines.
        separable: whether the line for copies keeps the stated rate of false pairs and still finds
            98 % of the copies made.
        false_pair_rate: expected share of wrong pairs among the pairs called a copy.
        recall: by kind of copy, share of those made that is called a copy.
        random_pass_rate: share of random pairs at or over the line for copies, and at or over the
            line for changed views.
        shared_template: whether so many random pairs share a view that being changed versions of
            each other is the rule here.
        sampled: pictures that the copies were made of.
        notes: what to know before trusting the verdicts.
    """

    thresholds: PairThresholds
    separable: bool
    false_pair_rate: float
    recall: dict[str, float]
    random_pass_rate: tuple[float, float]
    shared_template: bool
    sampled: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Calibration:
    """What copies and different pictures score, and the threshold between them.

    Attributes:
        threshold: pairs that score at least this are the same shot.
        separable: whether a threshold keeps `FALSE_PAIR_RATE` and still finds 98 % of the copies.
        copies_low: score that 98 % of the copies reach, all kinds together.
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
) -> Calibration:
    """Choose the threshold midway between what copies score and what different pictures score.

    Scores go through Fisher's z. Those of different pictures are taken to fall off exponentially
    from .4 on; the fall is measured between .4 and .7, since pairs that score higher may be
    duplicates, and gives the score that different pictures pass at `FALSE_PAIR_RATE`. If that
    lies over what copies score, no threshold separates: the threshold then keeps the rate, and
    copies are missed.

    Args:
        copies: for each kind of copy, the scores of copies with their originals.
        neighbours: scores of pairs of nearest neighbours, as they become candidates.
        random: scores of random pairs.

    Example:
        >>> copies, alike = np.full(100, 0.95), np.linspace(0, 0.2, 100)
        >>> calibrate({"jpeg": copies}, alike, alike).threshold
        0.675
    """
    # All kinds together: one kind can destroy a few pictures (white turns whiter) and would decide.
    pooled = np.concatenate([np.ones(1), *copies.values()])
    copies_low = float(np.quantile(pooled, _COPY_QUANTILE))
    tails = [_Tail.fit(scores) for scores in (neighbours, random)]
    alike_high = max(tail.score(FALSE_PAIR_RATE) for tail in tails)
    separable = alike_high <= copies_low
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
    """Scores of different pictures over a start fall off exponentially in Fisher's z."""

    share: float
    slope: float

    @classmethod
    def fit(cls, scores: NDArray[np.float32]) -> _Tail:
        # Two steps of equal width: how many fewer score in the second gives the slope. What
        # scores higher may be duplicates, which would pass for a long tail.
        first, last = np.arctanh(_TAIL_START), np.arctanh(_TAIL_END)
        width = (last - first) / 2
        z = _fisher(scores)
        low = int(((z >= first) & (z < first + width)).sum())
        high = int(((z >= first + width) & (z < last)).sum())
        fall = np.log((low + _FEW) / (high + _FEW * np.exp(-width / _USUAL_SLOPE)))
        slope = float(width / max(fall, width / _LARGEST_SLOPE))
        return cls((low + high) / max(scores.size, 1), slope)

    def score(self, rate: float) -> float:
        beyond = self.slope * np.log(max(self.share / rate, 1.0))
        return float(np.tanh(np.arctanh(_TAIL_START) + beyond))

    def rate(self, score: float) -> float:
        beyond = float(_fisher(np.array([score]))[0]) - np.arctanh(_TAIL_START)
        return float(self.share * np.exp(-max(beyond, 0.0) / self.slope))


def _fisher(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    z: NDArray[np.float64] = np.arctanh(np.clip(scores.astype(np.float64), -0.9999, 0.9999))
    return z


def _quantiles(scores: NDArray[np.float32]) -> tuple[float, float, float]:
    if scores.size == 0:
        return (0.0, 0.0, 0.0)
    low, middle, high = np.quantile(scores, [0.5, 0.9, 0.99])
    return float(low), float(middle), float(high)

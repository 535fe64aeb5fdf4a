"""A threshold that new nominal pictures exceed at most at a stated rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = [
    "ConformalThreshold",
    "conformal_threshold",
    "fewest_for",
    "group_scores",
    "implied_rate",
]


@dataclass(frozen=True)
class ConformalThreshold:
    """A threshold and what can be promised of it.

    Attributes:
        value: a picture above it is called anomalous.
        rate: the false-alarm rate that was asked for.
        promised: the rate that holds: at most `rate`, or more if there are too few groups.
        groups: how many groups of nominal pictures it was taken from.
        fewest: groups that the rate needs.
    """

    value: float
    rate: float
    promised: float
    groups: int
    fewest: int

    @property
    def holds(self) -> bool:
        """Whether the rate that was asked for is promised."""
        return self.groups >= self.fewest


def fewest_for(rate: float) -> int:
    """Return how many held-out groups a false-alarm rate needs: the least n with 1/(n+1) <= rate.

    >>> fewest_for(0.05), fewest_for(0.01)
    (19, 99)
    """
    return ceil(1 / rate - 1 - 1e-9)


def conformal_threshold(
    scores: NDArray[np.float64], groups: Indices, rate: float
) -> ConformalThreshold:
    """Return the threshold that a new nominal picture exceeds with probability at most `rate`.

    Of n groups, each by its highest score, it is the ceil((n + 1)(1 - rate))-th lowest (Vovk et
    al. 2005; Papadopoulos et al. 2002). That holds if groups are exchangeable with new ones,
    whatever the distribution of scores. With fewer than 1/rate - 1 groups it is the highest score,
    and the promised rate is 1/(n + 1).

    Args:
        scores: `[N]` scores of nominal pictures by a model that has not seen them.
        groups: `[N]` which pictures show the same part, and so are one draw.
        rate: the false-alarm rate, between 0 and 1.

    Raises:
        UsageError: there is no score, or the rate is out of range.

    >>> found = conformal_threshold(np.arange(1.0, 20.0), np.arange(19), 0.05)
    >>> found.value, found.holds
    (19.0, True)
    """
    if not 0 < rate < 1:
        raise UsageError(f"a false-alarm rate is between 0 and 1, not {rate:g}")
    if not len(scores):
        raise UsageError("a threshold needs the score of at least one nominal picture")
    highest = group_scores(scores, groups)
    count = len(highest)
    fewest = fewest_for(rate)
    if count < fewest:
        return ConformalThreshold(float(highest.max()), rate, 1 / (count + 1), count, fewest)
    place = ceil((count + 1) * (1 - rate) - 1e-9)
    promised = 1 - place / (count + 1)
    return ConformalThreshold(float(np.sort(highest)[place - 1]), rate, promised, count, fewest)


def implied_rate(scores: NDArray[np.float64], groups: Indices, threshold: float) -> float:
    """Return the false-alarm rate that a threshold implies: what can be promised of it.

    The share of groups whose highest score is above it, the new one counted as one of them.
    """
    highest = group_scores(scores, groups)
    return float((np.count_nonzero(highest > threshold) + 1) / (len(highest) + 1))


def group_scores(scores: NDArray[np.float64], groups: Indices) -> NDArray[np.float64]:
    """Return `[G]` the highest score of each group.

    >>> group_scores(np.array([1.0, 3.0, 2.0]), np.array([0, 0, 5])).tolist()
    [3.0, 2.0]
    """
    names, of = np.unique(groups, return_inverse=True)
    highest = np.full(len(names), -np.inf)
    np.maximum.at(highest, of, np.asarray(scores, np.float64))
    return highest

"""Many streams or many days: which alarms to believe, with a bounded share of false ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OnlineFalseDiscovery", "e_benjamini_hochberg", "wealth_for_an_alarm"]

_GAMMA: Final = 0.07720838
"""Makes the series of the levels sum to 1 (Javanmard and Montanari 2018)."""


def e_benjamini_hochberg(log_wealth: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """Choose the streams to raise an alarm for, so that few of these are false on average.

    The k streams of the largest wealth for the largest k at which the k-th has at least
    m / (level k) (Wang and Ramdas 2022). The expected share of false alarms among all raised is
    `level` at most, however the streams depend on each other. O(m log m).

    Args:
        log_wealth: `[m]` natural logarithms of the streams' wealth now.
        level: share of false alarms.

    Returns:
        `[m]` bool.

    Raises:
        UsageError: the level is not between 0 and 1.

    Example:
        >>> e_benjamini_hochberg(np.log([100.0, 50.0, 1.0, 0.1]), 0.05)
        array([ True,  True, False, False])
    """
    _check(level)
    m = log_wealth.size
    if m == 0:
        return np.zeros(0, np.bool_)
    order = np.argsort(-log_wealth, kind="stable")
    enough = log_wealth[order] >= np.log(m) - np.log(level) - np.log(np.arange(1, m + 1))
    count = int(np.flatnonzero(enough).max(initial=-1)) + 1
    chosen = np.zeros(m, np.bool_)
    chosen[order[:count]] = True
    return chosen


def wealth_for_an_alarm(others: NDArray[np.float64], level: float) -> float:
    """Return the logarithm of the wealth from which on a stream would be chosen among others.

    With it, `e_benjamini_hochberg` can be asked of one stream after the other. For a single stream
    it is that of 1/level. O(m log m).

    Args:
        others: `[m - 1]` natural logarithms of the wealth of the other streams; infinity for those
            that were chosen.
        level: share of false alarms.

    Raises:
        UsageError: the level is not between 0 and 1.

    Example:
        >>> round(float(np.exp(wealth_for_an_alarm(np.array([np.inf, 0.0]), 0.05))))
        30
    """
    _check(level)
    m = others.size + 1
    needed = np.log(m) - np.log(level) - np.log(np.arange(1, m + 1))
    richest = -np.sort(-others)
    # as the k-th of k chosen ones, where k - 1 others have what that takes
    possible = np.concatenate([[True], richest >= needed[1:]])
    return float(needed[possible].min())


@dataclass
class OnlineFalseDiscovery:
    """Decides on p-values as they come, for ever, with a bounded share of false alarms.

    LORD++ (Ramdas, Yang, Wainwright and Jordan 2017): each test has a level, small after a long
    time without an alarm and larger after one. For independent p-values the expected share of
    false alarms among all raised is `level` at most at any time. A daily check at a fixed level
    alarms falsely for certain, sooner or later; here the levels of all days sum up to less than
    the one stated.

    Attributes:
        level: share of false alarms.
        tests: p-values decided on.
        alarms: numbers of the tests that raised an alarm, from 1.

    Example:
        >>> days = OnlineFalseDiscovery(0.05)
        >>> [days.decide(p) for p in (0.5, 0.0001, 0.04)]
        [False, True, False]
    """

    level: float
    tests: int = 0
    alarms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        _check(self.level)

    def next_level(self) -> float:
        """Return the level at which the next p-value is held. O(alarms so far)."""
        now, start = self.tests + 1, self.level / 2
        share = start * _gamma(now)
        for place, before in enumerate(self.alarms):
            share += (self.level - start if place == 0 else self.level) * _gamma(now - before)
        return share

    def decide(self, p: float) -> bool:
        """Say whether a p-value raises an alarm, and remember it.

        Raises:
            UsageError: it does not lie between 0 and 1.
        """
        if not 0 <= p <= 1:
            raise UsageError(f"a p-value lies between 0 and 1, not at {p:g}")
        alarm = p <= self.next_level()
        self.tests += 1
        if alarm:
            self.alarms.append(self.tests)
        return alarm


def _gamma(number: int) -> float:
    return float(
        _GAMMA * np.log(max(number, 2)) / (number * np.exp(np.sqrt(np.log(max(number, 1)))))
    )


def _check(level: float) -> None:
    if not 0 < level < 1:
        raise UsageError(f"the level must lie between 0 and 1, not at {level:g}")

"""Betting against uniform p-values: wealth that grows only where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BINS", "Wealth", "bin_of", "new_wealth"]

_EDGES: Final = np.array([0.01, 0.05, 0.15, 0.35, 0.65, 0.85, 0.95, 0.99])
BINS: Final = _EDGES.size + 1
"""Intervals of p-values that a bettor tells apart; narrow where drift shows."""

_WIDTHS: Final = np.diff(np.concatenate([[0.0], _EDGES, [1.0]]))
_MEMORIES: Final = np.array([30.0, 150.0, 750.0])
"""After how many p-values a bettor has forgotten all but a third of what it has seen."""

_PRIOR: Final = 10.0
"""Uniform p-values that a bettor counts in, so that it bets little until it has seen much."""


def bin_of(p: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the interval of each p-value."""
    return np.searchsorted(_EDGES, p, side="right")


@dataclass
class Wealth:
    """One fund of bettors for each of `S` streams of p-values.

    A bettor holds an estimate of how its p-values are distributed lately, and multiplies its
    capital by the density it gave to the one that comes. Where the p-values of a stream are
    uniform whatever came before in it, no bet gains on average: the fund is a martingale that
    begins at 1, and ever reaches S/a with a chance of a/S at most (Ville 1939). So does any of all
    funds with a chance of a, however the streams depend on each other; the wealth is that of the
    richest divided by S. At first all capital is idle; at the t-th step 1/(t + 1) of what is idle
    goes to the bettors, so that one that begins when the drift does has lost nothing before.

    Attributes:
        idle: `[S]` logarithms of the capital that is not at stake.
        capital: `[S, 3]` logarithms of the capital of the bettors, one a memory.
        recent: `[S, 3, bins]` p-values that each bettor remembers.
        step: how many p-values of each stream there were.
    """

    idle: NDArray[np.float64]
    capital: NDArray[np.float64]
    recent: NDArray[np.float64]
    step: int

    @property
    def log_funds(self) -> NDArray[np.float64]:
        """`[S]` logarithms of the funds."""
        funds: NDArray[np.float64] = np.logaddexp(
            self.idle, np.logaddexp.reduce(self.capital, axis=1)
        )
        return funds

    @property
    def log(self) -> float:
        """Logarithm of the wealth."""
        return float(self.log_funds.max() - np.log(self.idle.size))

    def bet(self, intervals: NDArray[np.int64]) -> None:
        """Take `[S]` new p-values by their intervals, and settle the bets made before. O(S)."""
        self.step += 1
        share = 1.0 / (self.step + 1)
        lent = self.idle + np.log(share / _MEMORIES.size)
        self.idle = self.idle + np.log1p(-share)
        column = np.arange(intervals.size)
        seen = self.recent[column, :, intervals]
        width = _WIDTHS[intervals][:, None]
        density = (seen / width + _PRIOR) / (self.recent.sum(axis=2) + _PRIOR)
        self.capital = np.logaddexp(self.capital, lent[:, None]) + np.log(density)
        self.recent *= np.exp(-1 / _MEMORIES)[:, None]
        self.recent[column, :, intervals] += 1.0


def new_wealth(streams: int) -> Wealth:
    """Return funds of 1 that bet on `streams` streams of p-values.

    >>> import numpy as np
    >>> wealth = new_wealth(1)
    >>> for _ in range(50):
    ...     wealth.bet(bin_of(np.array([0.005])))
    >>> bool(wealth.log > np.log(20))
    True
    """
    return Wealth(
        np.zeros(streams),
        np.full((streams, _MEMORIES.size), -np.inf),
        np.zeros((streams, _MEMORIES.size, BINS)),
        0,
    )

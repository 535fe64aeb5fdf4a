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
        capital: `[S, 3]` logarithms of the capital of the bettors, one a memory.
        recent: `[S, 3, bins]` p-values that each bettor remembers.
        step: how many p-values of each stream there were.
    """

    capital: NDArray[np.float64]
    recent: NDArray[np.float64]
    step: int

    @property
    def log_funds(self) -> NDArray[np.float64]:
        """`[S]` logarithms of the funds."""
        idle = -np.log(self.step + 1)
        funds: NDArray[np.float64] = np.logaddexp(idle, np.logaddexp.reduce(self.capital, axis=1))
        return funds

    @property
    def log(self) -> float:
        """Logarithm of the wealth."""
        return float(self.log_funds.max() - np.log(len(self.capital)))

    def bet(self, intervals: NDArray[np.int64]) -> NDArray[np.float64]:
        """Take `[T, S]` new p-values by their intervals, and settle each bet as it was made before.

        O(T² S) time and memory, so give few at a time.

        Returns:
            `[T]` logarithms of the wealth after each.
        """
        n, streams = intervals.shape
        shown = intervals.T
        # What is remembered fades by one step each, and by none in the first after it came.
        ago = np.arange(n)[:, None] - np.arange(n) - 1
        fading = np.where(ago >= 0, np.exp(-ago / _MEMORIES[:, None, None]), 0.0)
        fade = np.exp(-np.arange(n + 1) / _MEMORIES[:, None])
        equal = shown[:, :, None] == shown[:, None, :]
        seen = np.einsum("stu,mtu->smt", equal, fading)
        seen += np.take_along_axis(self.recent, shown[:, None, :], axis=2) * fade[:, :n]
        total = self.recent.sum(axis=2)[:, :, None] * fade[:, :n] + fading.sum(axis=2)
        density = (seen / _WIDTHS[shown][:, None, :] + _PRIOR) / (total + _PRIOR)
        grown = np.cumsum(np.log(density), axis=2)
        before = np.concatenate([np.zeros((*grown.shape[:2], 1)), grown[:, :, :-1]], axis=2)
        step = self.step + 1 + np.arange(n)
        lent = -np.log(step) - np.log(step + 1) - np.log(_MEMORIES.size)
        put_in = np.concatenate([self.capital[:, :, None], lent - before], axis=2)
        capital = np.logaddexp.accumulate(put_in, axis=2)[:, :, 1:] + grown
        funds = np.logaddexp(-np.log(step + 1), np.logaddexp.reduce(capital, axis=1))
        one = np.eye(BINS)[shown]
        self.recent = self.recent * fade[:, n, None] + np.einsum(
            "mu,sub->smb", fade[:, n - 1 :: -1], one
        )
        self.capital = capital[:, :, -1]
        self.step += n
        wealth: NDArray[np.float64] = funds.max(axis=0) - np.log(streams)
        return wealth


def new_wealth(streams: int) -> Wealth:
    """Return funds of 1 that bet on `streams` streams of p-values.

    >>> import numpy as np
    >>> wealth = new_wealth(1)
    >>> path = wealth.bet(bin_of(np.full((50, 1), 0.005)))
    >>> bool(wealth.log > np.log(20))
    True
    """
    return Wealth(
        np.full((streams, _MEMORIES.size), -np.inf),
        np.zeros((streams, _MEMORIES.size, BINS)),
        0,
    )

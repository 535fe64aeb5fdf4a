"""The input and output of a strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["Pool", "Stage", "take_in_order"]


@dataclass(frozen=True)
class Pool:
    """What a strategy picks from.

    Attributes:
        X: `[N, D]` float32 unit vectors.
        candidates: `[C]` rows that may be picked, ascending.
        chosen: `[L]` rows that represent others already: `must` rows and earlier picks.
        allowance: which groups are open; a strategy reports each row that it takes.
        probabilities: `[N, K]` float32 class probabilities, or None.
        rng: the only source of randomness.
    """

    X: Vectors
    candidates: Indices
    chosen: Indices
    allowance: Allowance
    probabilities: NDArray[np.float32] | None
    rng: np.random.Generator

    def is_candidate(self) -> NDArray[np.bool_]:
        """Return `[N]` bool, whether each row may be picked."""
        may = np.zeros(self.X.shape[0], dtype=np.bool_)
        may[self.candidates] = True
        return may

    def needs_probabilities(self, strategy: str) -> NDArray[np.float32]:
        """Return the probabilities.

        Raises:
            UsageError: there are none.
        """
        if self.probabilities is None:
            raise UsageError(f"the strategy {strategy} needs class probabilities of every row")
        return self.probabilities


@dataclass(frozen=True)
class Stage:
    """What one strategy picked.

    Attributes:
        indices: `[n]` int64 rows, in order.
        scores: `[n]` float64, the strategy's score of each pick.
        clusters: `[n]` int64 cluster that each pick represents, or None.
        cluster_sizes: `[n]` int64 number of rows of that cluster, or None.
        parts: number of random parts that it divided the rows into.
    """

    indices: Indices
    scores: NDArray[np.float64]
    clusters: Indices | None = None
    cluster_sizes: Indices | None = None
    parts: int = 1


def take_in_order(pool: Pool, order: Any, n: int) -> Indices:
    """Take the first `n` rows of `order` whose group is open when their turn comes.

    One pass suffices, because a closed group never opens again. O(C).
    """
    taken: list[int] = []
    for row in order.tolist():
        if len(taken) == n:
            break
        if pool.allowance.permits_row(row):
            pool.allowance.take(row)
            taken.append(row)
    return np.array(taken, dtype=np.int64)

"""What a strategy is: what it picks from, what it picked, and how it explains a pick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["PickedRow", "Pool", "Stage", "Strategy", "take_highest", "take_in_order"]


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


@dataclass(frozen=True)
class PickedRow:
    """What is known of one pick, for the sentence that explains it.

    Attributes:
        score: the strategy's score.
        represents: how many rows have it as their nearest pick, itself included.
        cluster: the cluster that it represents; -1 if its strategy has none.
        cluster_size: number of rows of that cluster; 0 if there is none.
        classes: the most likely and second class; empty without probabilities.
    """

    score: float
    represents: int
    cluster: int
    cluster_size: int
    classes: tuple[str, ...]

    def represented(self) -> str:
        """Return how many pictures it stands for, in words."""
        if self.represents > 1:
            return f"represents {counted(self.represents, 'picture')}"
        if self.represents:
            return "represents itself only"
        return "like other picks; fills the number asked"

    def of_cluster(self) -> str:
        """Return its cluster and that cluster's size, in words."""
        return f"cluster {self.cluster} of {self.cluster_size:,} pictures"

    @property
    def likeliest(self) -> str:
        """Its two most likely classes, in words."""
        return " and ".join(self.classes)


@dataclass(frozen=True)
class Strategy:
    """How to pick rows, and how to say why a row was picked.

    Attributes:
        pick: takes what to pick from and how many, at most as many as there are candidates.
        reason: says why a row was picked, in a few words.
        names_outliers: whether the reason of an outlier says that it is one.
    """

    pick: Callable[[Pool, int], Stage]
    reason: Callable[[PickedRow], str]
    names_outliers: bool = False


def take_highest(pool: Pool, n: int, scores: NDArray[np.float64]) -> Stage:
    """Take the candidates of highest score, `[N]`, whose group is open; of equal ones the first."""
    order = pool.candidates[np.argsort(-scores[pool.candidates], kind="stable")]
    taken = take_in_order(pool, order, n)
    return Stage(taken, scores[taken])


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

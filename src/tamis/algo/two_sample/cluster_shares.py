"""Shares of rows in clusters or categories: χ², and the population stability index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample.permutation import TestResult, tested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled
    from tamis.types import Indices

__all__ = ["ShareStatistic", "chi_squared_test", "population_stability", "unit_counts"]

_ADDED: Final = 0.5
"""Rows added to each cluster of each side, so that an empty one has a logarithm."""


def unit_counts(pooled: Pooled, cluster: Indices) -> NDArray[np.float64]:
    """Return `[G, k]` rows of each unit in each cluster.

    Args:
        pooled: the rows.
        cluster: `[N]` cluster of each pooled row, from 0.
    """
    used = pooled.unit >= 0
    counts = np.zeros((pooled.units, int(cluster.max(initial=0)) + 1))
    np.add.at(counts, (pooled.unit[used], cluster[used]), 1.0)
    return counts


class ShareStatistic:
    """Pearson's χ² of the table of sides and clusters, for any deal. O(B G k).

    Args:
        counts: `[G, k]` rows of each unit in each cluster.
    """

    def __init__(self, counts: NDArray[np.float64]) -> None:
        self._counts = counts[:, counts.sum(axis=0) > 0]

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` χ² of deals `[B, G]`."""
        batch = dealt.astype(np.float64) @ self._counts
        whole = self._counts.sum(axis=0)
        rows, n = batch.sum(axis=1, keepdims=True), whole.sum()
        expected = rows * whole / n
        # Both sides miss what is expected by the same rows.
        off: NDArray[np.float64] = ((batch - expected) ** 2 / whole).sum(axis=1)
        chi: NDArray[np.float64] = off * n * (1 / rows[:, 0] + 1 / (n - rows[:, 0]))
        return chi


def chi_squared_test(
    pooled: Pooled, cluster: Indices, *, permutations: int = 499, rng: np.random.Generator
) -> TestResult:
    """Test whether clusters hold the same shares of both sides, by permutations.

    Valid where the clusters were fitted on the pooled rows, or on rows that are on neither side.
    Clusters fitted on the reference alone fit its rows better than those of any batch: the test
    then sees a difference where there is none.

    Args:
        pooled: the rows.
        cluster: `[N]` cluster of each pooled row, from 0.
        permutations: B.
        rng: deals units.

    Raises:
        UsageError: `permutations` is under 1.
    """
    statistic = ShareStatistic(unit_counts(pooled, cluster))
    return tested(statistic, pooled.unit_is_batch, permutations, rng)


def population_stability(reference: NDArray[np.int64], batch: NDArray[np.int64]) -> float:
    """Return the population stability index `Σ (q - p) ln(q / p)` of counts `[k]`.

    A magnitude: it grows with the number of clusters and shrinks with that of rows, so the usual
    lines at .1 and .25 are no test. Half a row is added to each cluster of each side.

    Example:
        >>> round(population_stability(np.array([50, 50]), np.array([80, 20])), 2)
        0.41
    """
    p, q = (side + _ADDED for side in (reference.astype(np.float64), batch.astype(np.float64)))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())

"""k-NN test: whether the nearest rows of a row are of its own side more often than by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from tamis.algo.two_sample.permutation import TestResult, tested
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled
    from tamis.types import Indices

__all__ = ["NeighborStatistic", "neighbor_test"]

_K: Final = 5
_MOST_ROWS: Final = 5000
_BLOCK_ROWS: Final = 1024


class NeighborStatistic:
    """The share of the 5 nearest rows that are of a row's own side.

    Both sides count the same, however many rows they have. Rows of a row's own unit are not its
    neighbors. Of more than 5,000 rows a random 5,000 are compared, whichever side they are of.
    O(N² D) to set up, O(5 N B) for B deals.

    Args:
        pooled: the rows.
        k: how many neighbors; fewer where there are fewer rows.
        most: rows to compare.
        rng: draws them.

    Raises:
        UsageError: `k` is under 1.
    """

    def __init__(
        self, pooled: Pooled, *, k: int = _K, most: int = _MOST_ROWS, rng: np.random.Generator
    ) -> None:
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}")
        used = np.flatnonzero(pooled.unit >= 0)
        if used.size > most:
            used = np.sort(rng.choice(used, most, replace=False))
        unit = pooled.unit[used]
        left, right = _edges(np.ascontiguousarray(pooled.X[used]), unit, k)
        counted = csr_array(
            (np.ones(left.size), (unit[left], unit[right])), shape=(pooled.units, pooled.units)
        )
        self._edges = counted
        self._out = np.asarray(counted.sum(axis=1)).reshape(-1)
        self._in = np.asarray(counted.sum(axis=0)).reshape(-1)

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` shares of deals `[B, G]`: about a half where the sides are alike."""
        batch = dealt.astype(np.float64)
        both = np.einsum("bg,gb->b", batch, self._edges @ batch.T)
        out = batch @ self._out
        neither = self._edges.sum() - out - batch @ self._in + both
        share: NDArray[np.float64] = (
            both / np.maximum(out, 1) + neither / np.maximum(self._edges.sum() - out, 1)
        ) / 2
        return share


def neighbor_test(
    pooled: Pooled, *, k: int = _K, permutations: int = 499, rng: np.random.Generator
) -> TestResult:
    """Test whether near rows share their side (Schilling 1986; Henze 1988).

    It sees what is new in few rows, where the mean hardly moves.

    Raises:
        UsageError: `k` or `permutations` is under 1.

    Example:
        >>> from tamis.algo.two_sample.pooled import pool
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.normal(size=(100, 8)), rng.normal(1, size=(50, 8)), rng=rng)
        >>> neighbor_test(pooled, rng=rng).p
        0.002
    """
    return tested(NeighborStatistic(pooled, k=k, rng=rng), pooled.unit_is_batch, permutations, rng)


def _edges(X: NDArray[np.float32], unit: Indices, k: int) -> tuple[Indices, Indices]:
    """Each row and each of its `k` nearest rows of other units, by Euclidean distance."""
    lengths = np.einsum("nd,nd->n", X, X)
    most = int(np.bincount(unit).max())
    k = min(k, len(X) - most)
    left, right = [], []
    for start in range(0, len(X), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        distance = lengths - 2 * (X[part] @ X.T)
        distance[unit[part, None] == unit] = np.inf
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        left.append(np.repeat(np.arange(start, start + len(near)), k))
        right.append(near.reshape(-1))
    return np.concatenate(left), np.concatenate(right)

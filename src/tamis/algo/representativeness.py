"""How representative and how unique each row is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.greedy import Kernel
from tamis.algo.neighbors import knn_graph
from tamis.algo.unit_vectors import unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RowScores", "score_rows"]

_NEIGHBORS = 10
_REFERENCE_ROWS = 20_000
_BLOCK_ROWS = 1_024
_LEAST_WIDTH = 1e-3
_EQUAL = 1.0 - 1e-6
"""The float32 cosine of two identical rows may be slightly below 1."""


@dataclass(frozen=True)
class RowScores:
    """Scores of each row.

    Attributes:
        representativeness: `[N]` float32 in [0, 1]: mean over the other rows of
            `exp(-d² / width²)`, where `d` is the Euclidean distance.
        uniqueness: `[N]` float32 in [0, 2]: cosine distance to the nearest other row; 0 if one is
            identical, 2 if there is no other row.
        width: median distance of a row to its 10th nearest.
        recall: share of the true neighbors found; 1 if exact.
        reference: how many rows each row was compared with.
    """

    representativeness: NDArray[np.float32]
    uniqueness: NDArray[np.float32]
    width: float
    recall: float
    reference: int


def score_rows(X: NDArray[Any], *, rng: np.random.Generator) -> RowScores:
    """Score how representative and how unique each row is.

    Representativeness is a kernel density: high in the middle of a dense cluster, lower at its
    edge, near 0 for an isolated row. Above 20,000 rows it is estimated from a random 20,000. The
    cost is that of `knn_graph` plus O(20,000 N D), with one block of memory besides the graph.

    Args:
        X: `[N, D]` unit vectors.
        rng: draws the rows to compare with.

    Raises:
        UsageError: `X` is not made of finite unit vectors.

    Example:
        >>> X = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
        >>> score_rows(X, rng=np.random.default_rng(0)).uniqueness.tolist()
        [0.0, 0.0, 1.0]
    """
    vectors = unit_vectors(X)
    n = vectors.shape[0]
    if n < 2:  # noqa: PLR2004 - one row has no other
        return RowScores(np.zeros(n, np.float32), np.full(n, 2.0, np.float32), 1.0, 1.0, 0)
    graph = knn_graph(vectors, _NEIGHBORS, rng=rng)
    tenth = 2.0 - 2.0 * float(np.median(graph.similarities[:, -1]))
    width = max(_LEAST_WIDTH, float(np.sqrt(max(tenth, 0.0))))
    drawn = np.arange(n)
    if n > _REFERENCE_ROWS:
        drawn = np.sort(rng.choice(n, _REFERENCE_ROWS, replace=False))
    reference = vectors[drawn]
    kernel = Kernel("gaussian", width)
    place = np.full(n, -1, dtype=np.int64)
    place[drawn] = np.arange(drawn.size)
    density = np.empty(n, dtype=np.float32)
    for begin in range(0, n, _BLOCK_ROWS):
        block = slice(begin, min(begin + _BLOCK_ROWS, n))
        likeness = vectors[block] @ reference.T
        likeness[likeness > _EQUAL] = 1.0
        kernel.apply(likeness)
        itself = place[block] >= 0
        likeness[itself, place[block][itself]] = 0.0
        density[block] = likeness.sum(axis=1, dtype=np.float64) / (drawn.size - itself)
    nearest = graph.similarities[:, 0]
    unique = np.where(nearest > _EQUAL, 0.0, 1.0 - nearest)
    return RowScores(
        density, unique.astype(np.float32), width, graph.recall_estimate, int(drawn.size)
    )

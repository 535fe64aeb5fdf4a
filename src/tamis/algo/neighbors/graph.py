"""The k-nearest-neighbour graph of a set of vectors, and search of one set in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.exact_neighbors import exact_graph, exact_search
from tamis.algo.neighbors.inverted_file import Method, inverted_graph, plan_inverted_file
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["KnnGraph", "knn_graph", "knn_search"]


@dataclass(frozen=True)
class KnnGraph:
    """The nearest other rows of each row, best first.

    Attributes:
        indices: `[N, k]` int64 row numbers; a row is never its own neighbour.
        similarities: `[N, k]` float32 cosine similarities, falling along each row.
        method: the kernel that ran.
        recall_estimate: share of the true neighbours found, measured on sampled rows; 1 if exact.
    """

    indices: Indices
    similarities: Vectors
    method: Literal["exact", "ivf"]
    recall_estimate: float


def knn_graph(
    X: NDArray[Any],
    k: int,
    *,
    method: Method = "auto",
    recall: float = 0.98,
    rng: np.random.Generator,
) -> KnnGraph:
    """Find the `k` most similar other rows of each row.

    Identical rows are each other's neighbours: a row is left out by its number, not its value.
    Exact, ties go to the lower row number, and the cost is O(N²D) time (half of the products, by
    symmetry). The inverted file costs about O(N^1.5 D); its number of cells read is chosen so that
    the recall measured on sampled rows reaches `recall`. Memory is O(Nk) in both.

    Args:
        X: `[N, D]` unit vectors.
        k: neighbours a row, at least 1; with fewer than `k` other rows, all of them.
        method: `auto` takes the exact kernel up to 50,000 rows or where the inverted file would
            not be faster.
        recall: what the inverted file must reach.
        rng: trains and samples the inverted file; unused by the exact kernel.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
        >>> knn_graph(X, 1, rng=np.random.default_rng(0)).indices.tolist()
        [[1], [0], [0]]
    """
    vectors = unit_vectors(X)
    n = vectors.shape[0]
    k = min(_positive(k), max(n - 1, 0))
    plan = plan_inverted_file(vectors, method, recall, max(k, 1), rng)
    if k == 0:
        return KnnGraph(np.empty((n, 0), np.int64), np.empty((n, 0), np.float32), "exact", 1.0)
    if plan is not None:
        indices, similarities = inverted_graph(vectors, k, plan)
        return KnnGraph(indices, np.minimum(similarities, 1.0), "ivf", plan.recall)
    indices, similarities = exact_graph(vectors, k)
    return KnnGraph(indices, np.minimum(similarities, 1.0), "exact", 1.0)


def knn_search(Q: NDArray[Any], X: NDArray[Any], k: int) -> tuple[Indices, Vectors]:
    """Find the `k` rows of `X` most similar to each query, exactly; ties go to the lower row.

    O(MND) time, O(Mk) memory.

    Args:
        Q: `[M, D]` unit vectors.
        X: `[N, D]` unit vectors.
        k: rows a query, at least 1; with fewer than `k` rows in `X`, all of them.

    Returns:
        Row numbers `[M, k]` int64 and cosine similarities `[M, k]` float32, best first.

    Raises:
        UsageError: rows are not finite unit vectors, dimensions differ, or `k` is under 1.

    Example:
        >>> X = np.eye(3, dtype=np.float32)
        >>> knn_search(X[2:], X, 1)[0].tolist()
        [[2]]
    """
    queries = unit_vectors(Q, "the queries")
    vectors = unit_vectors(X)
    if queries.shape[1] != vectors.shape[1]:
        raise UsageError(
            f"queries have {queries.shape[1]} dimensions and the vectors {vectors.shape[1]}: "
            "embed both with the same encoder"
        )
    k = min(_positive(k), vectors.shape[0])
    if k == 0 or queries.shape[0] == 0:
        shape = (queries.shape[0], k)
        return np.empty(shape, np.int64), np.empty(shape, np.float32)
    indices, similarities = exact_search(queries, vectors, k)
    return indices, np.minimum(similarities, 1.0)


def _positive(k: int) -> int:
    if k < 1:
        raise UsageError(f"k must be at least 1, not {k}")
    return int(k)

"""The k-nearest-neighbor graph of a set of vectors, and k-nearest search in another set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.exact_neighbors import exact_graph, exact_search
from tamis.algo.neighbors.device_kernel import kernel_for
from tamis.algo.neighbors.inverted_file import Method, file_for, inverted_graph, worthwhile
from tamis.algo.neighbors.reach import reach_for_neighbors
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
        indices: `[N, k]` int64 row numbers; a row is never its own neighbor.
        similarities: `[N, k]` float32 cosine similarities, falling along each row.
        method: the kernel that ran.
        recall_estimate: share of the true neighbors found, measured on sampled rows; 1 if exact.
        recall_low: its one-sided 95% lower confidence bound, never below the requested recall.
        sure_from: every pair with at least this similarity was compared; -1 if exact.
    """

    indices: Indices
    similarities: Vectors
    method: Literal["exact", "ivf"]
    recall_estimate: float
    recall_low: float = 1.0
    sure_from: float = -1.0


def knn_graph(
    X: NDArray[Any],
    k: int,
    *,
    method: Method = "auto",
    recall: float = 0.98,
    rng: np.random.Generator,
) -> KnnGraph:
    """Find the `k` most similar other rows of each row.

    Identical rows are each other's neighbors; only the row itself is excluded.

    The exact kernel takes O(N²D) time (half of the products, by symmetry), and ties go to the
    lower row number. The inverted file takes about O(N^1.5 D). It reads more cells, if necessary
    all, until the recall measured on sampled rows is `recall` with 95% confidence. Near pairs may
    be too rare for a sample, so they do not depend on it: every pair is compared that is at most
    half as far apart as the 90th percentile of the distance to the k-th nearest row; `sure_from`
    is the corresponding similarity. Memory is O(Nk), plus N^1.5 / 4 bytes for the inverted file.
    Where a kernel on another device was offered and takes so many rows, it replaces both, exactly.

    Args:
        X: `[N, D]` unit vectors.
        k: neighbors per row, at least 1; with fewer than `k` other rows, all of them.
        method: `auto` uses the exact kernel up to 50,000 rows, or if the inverted file would not
            be faster.
        recall: the minimum share of the true neighbors to find, in (0, 1].
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
    _check(recall)
    kernel = None if method == "ivf" or k == 0 else kernel_for(*vectors.shape)
    if kernel is not None:
        indices, similarities = kernel.graph(vectors, k)
        return KnnGraph(indices, np.minimum(similarities, 1.0), "exact", 1.0)
    file = None if method == "auto" and recall == 1.0 else file_for(vectors, method, rng)
    if k == 0:
        return KnnGraph(np.empty((n, 0), np.int64), np.empty((n, 0), np.float32), "exact", 1.0)
    if file is not None:
        found = reach_for_neighbors(vectors, file, k, recall, rng)
        if method == "ivf" or worthwhile(vectors, file, found.reach, rng):
            indices, similarities = inverted_graph(vectors, k, file, found.reach)
            np.minimum(similarities, 1.0, out=similarities)
            return KnnGraph(indices, similarities, "ivf", found.recall, found.low, found.sure_from)
    indices, similarities = exact_graph(vectors, k)
    return KnnGraph(indices, np.minimum(similarities, 1.0), "exact", 1.0)


def knn_search(Q: NDArray[Any], X: NDArray[Any], k: int) -> tuple[Indices, Vectors]:
    """Find the `k` rows of `X` most similar to each query, exactly; ties go to the lower row.

    O(MND) time, O(Mk) memory.

    Args:
        Q: `[M, D]` unit vectors.
        X: `[N, D]` unit vectors.
        k: rows per query, at least 1; with fewer than `k` rows in `X`, all of them.

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


def _check(recall: float) -> None:
    if not 0.0 < recall <= 1.0:
        raise UsageError(f"recall must be over 0 and at most 1, not {recall}")

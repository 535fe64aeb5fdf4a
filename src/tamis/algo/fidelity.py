"""How well one set of vectors can replace another for the same items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.neighbors.graph import knn_graph
from tamis.algo.unit_vectors import LENGTH_TOLERANCE, unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["Fidelity", "fidelity", "neighbours_for"]

_FEWEST = 3
_ROWS_PER_NEIGHBOUR = 5


@dataclass(frozen=True)
class Fidelity:
    """How similar two sets of vectors are.

    Attributes:
        mean_cosine: mean cosine between a row and its replacement.
        worst_cosine: the lowest of these cosines.
        overlap: mean share of a row's `neighbours` nearest others that both sets have in common.
        neighbours: how many nearest others were compared.
    """

    mean_cosine: float
    worst_cosine: float
    overlap: float
    neighbours: int


def neighbours_for(rows: int, most: int = 10) -> int:
    """Return how many neighbors to compare for this number of rows, at least 1.

    At most a fifth of the rows: with all others as neighbors, any two sets would agree.

    >>> neighbours_for(500), neighbours_for(20)
    (10, 4)
    """
    return max(1, min(most, rows // _ROWS_PER_NEIGHBOUR))


def fidelity(
    reference: NDArray[Any], other: NDArray[Any], neighbours: int | None = None
) -> Fidelity:
    """Compare vectors with their replacements, row by row.

    A row of `other` that is not finite or not of length 1 counts as cosine 0 with no shared
    neighbors, so that an encoder that breaks on some rows is reported instead of raising. Exact,
    O(N²D) time.

    Args:
        reference: `[N, D]` unit vectors, N at least 3.
        other: `[N, D]` floating point, for the same items in the same order.
        neighbours: nearest others to compare, less than N; by default `neighbours_for(N)`.

    Raises:
        UsageError: shapes differ, there are fewer than 3 rows, `neighbours` is out of range, or
            `reference` is not made of unit vectors.

    Example:
        >>> X = np.eye(3, dtype=np.float32)
        >>> fidelity(X, X)
        Fidelity(mean_cosine=1.0, worst_cosine=1.0, overlap=1.0, neighbours=1)
    """
    X = unit_vectors(reference, "the reference")
    if X.shape != np.shape(other):
        raise UsageError(f"vectors of shape {np.shape(other)} cannot stand in for {X.shape}")
    rows = X.shape[0]
    if rows < _FEWEST:
        raise UsageError(f"{rows} vectors are too few to compare neighbours; give at least 3")
    k = neighbours_for(rows) if neighbours is None else neighbours
    if not 1 <= k < rows:
        raise UsageError(f"neighbours is {k}; among {rows} vectors it must be 1 to {rows - 1}")
    Y, usable = _usable(other)
    cosines = np.where(usable, np.einsum("nd,nd->n", X, Y, dtype=np.float64), 0.0)
    cosines = np.clip(cosines, -1.0, 1.0)
    shared = np.where(usable, _shared(X, Y, k), 0)
    return Fidelity(
        mean_cosine=float(cosines.mean()),
        worst_cosine=float(cosines.min()),
        overlap=float(shared.mean() / k),
        neighbours=k,
    )


def _usable(other: NDArray[Any]) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return the rows with unusable ones replaced by the first axis, and which are usable."""
    rows = np.array(other, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        usable = np.abs(np.linalg.norm(rows, axis=1) - 1.0) <= LENGTH_TOLERANCE
    rows[~usable] = np.eye(1, rows.shape[1], dtype=np.float32)
    return unit_vectors(rows), usable


def _shared(X: Vectors, Y: Vectors, k: int) -> NDArray[np.int64]:
    """Count, for each row, the `k` nearest others that both sets have in common."""
    rng = np.random.default_rng(0)  # the exact kernel draws nothing
    near, near_too = (knn_graph(vectors, k, method="exact", rng=rng).indices for vectors in (X, Y))
    shared: NDArray[np.int64] = (near[:, :, None] == near_too[:, None, :]).sum(axis=(1, 2))
    return shared

"""How much of the neighborhoods of vectors a map of them keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["NEIGHBORS", "Preservation", "preservation"]

NEIGHBORS: Final = 15
_SAMPLED: Final = 1000
_TILE: Final = 8192
_LEAST_ROWS: Final = 3


@dataclass(frozen=True)
class Preservation:
    """What neighbors on a map are worth.

    Attributes:
        trustworthiness: 1 if none of the nearest on the map is far off by its vector, about 0.5 if
            places are random (Venna and Kaski 2001).
        neighbors_kept: share of the nearest by vector that are among the nearest on the map.
        neighbors: how many nearest were looked at, 15 or less.
        measured: how many rows were looked at.
    """

    trustworthiness: float
    neighbors_kept: float
    neighbors: int
    measured: int


def preservation(
    X: NDArray[Any], places: NDArray[np.float32], *, rng: np.random.Generator
) -> Preservation:
    """Measure a map on at most 1,000 of its rows, each against all.

    Of vectors equally like a row, none counts as nearer than another, so that copies cost nothing.
    O(S N D) time for S rows looked at.

    Args:
        X: `[N, D]` unit vectors.
        places: `[N, 2]` where they lie.
        rng: draws the rows to look at.

    Raises:
        UsageError: `X` is not made of unit vectors, or has under three.

    Example:
        >>> turns = np.linspace(0, 1, 40)
        >>> arc = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
        >>> kept = preservation(arc, arc, rng=np.random.default_rng(0))
        >>> round(kept.trustworthiness, 3), round(kept.neighbors_kept, 2)
        (1.0, 1.0)
    """
    from scipy.spatial import cKDTree

    vectors = unit_vectors(X)
    count = len(vectors)
    if count < _LEAST_ROWS:
        raise UsageError(f"{count} rows have no neighborhoods to measure; give {_LEAST_ROWS}")
    # the figure is of ranks up to k, and has a scale only where k is under half of the rows
    k = min(NEIGHBORS, (count - 1) // 2)
    rows = np.sort(rng.choice(count, min(_SAMPLED, count), replace=False))
    _, near = cKDTree(places).query(places[rows], k + 1)
    near = _without_itself(np.asarray(near, np.int64), rows)
    looked = vectors[rows]
    likeness = np.einsum("sd,skd->sk", looked, vectors[near])
    # what rounds differently in another product counts as equally like
    likeness += np.float32(1e-6)
    ahead = np.zeros(near.shape, np.int64)
    for begin in range(0, count, _TILE):
        tile = looked @ vectors[begin : begin + _TILE].T
        here = np.flatnonzero((rows >= begin) & (rows < begin + _TILE))
        tile[here, rows[here] - begin] = -np.inf
        tile.sort(axis=1)
        for row in range(len(rows)):
            ahead[row] += tile.shape[1] - np.searchsorted(tile[row], likeness[row], side="right")
    excess = np.maximum(ahead + 1 - k, 0).sum()
    worst = len(rows) * k * (2 * count - 3 * k - 1) / 2
    return Preservation(
        trustworthiness=float(1 - excess / worst),
        neighbors_kept=float((ahead < k).mean()),
        neighbors=k,
        measured=len(rows),
    )


def _without_itself(near: Indices, rows: Indices) -> Indices:
    """Return `[S, k]` of `[S, k + 1]`: the row itself left out, or the last if it is not there."""
    own = near == rows[:, None]
    own[:, -1] |= ~own.any(axis=1)
    others: Indices = near[~own].reshape(len(near), -1)
    return others

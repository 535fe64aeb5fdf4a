"""Exact search for the nearest kept vector, and similarities precise enough for it.

The distance of two unit vectors is Euclidean (the chord), and their cosine similarity is
`1 - chord² / 2`. Computed this way, in float64 from float32 rows, equal rows have similarity 1 and
the triangle inequality holds, which the bounds of the sieve rely on. No decision depends on
rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.sieve.kept import KeptVectors
    from tamis.types import Indices, Vectors

__all__ = [
    "NOTHING",
    "Nearest",
    "chord",
    "cosine_of",
    "dot_rounding",
    "nearest_kept",
    "pick_nearest",
    "similarities",
]

NOTHING = -1
"""The position of no vector."""

_TILE_ROWS = 4096
_TIE_DECIMALS = 12  # similarities that agree to this many decimals tie; the older vector wins


@dataclass
class Nearest:
    """The nearest kept vector of each of `B` vectors.

    Attributes:
        position: `[B]` int64, or `NOTHING`.
        similarity: `[B]` float64 cosine similarity; -1 where `position` is `NOTHING`.
    """

    position: Indices
    similarity: NDArray[np.float64]

    @classmethod
    def none(cls, count: int) -> Nearest:
        """Return a result with nothing found for `count` vectors."""
        return cls(np.full(count, NOTHING, np.int64), np.full(count, -1.0))

    def of(self, row: int) -> tuple[int, float]:
        """Return the position and similarity of one row."""
        return int(self.position[row]), float(self.similarity[row])

    def rows(self, rows: Indices | slice) -> Nearest:
        """Return the results of some rows."""
        return Nearest(self.position[rows], self.similarity[rows])

    def put(self, rows: Indices, other: Nearest) -> None:
        """Overwrite some rows with all rows of another result."""
        self.position[rows] = other.position
        self.similarity[rows] = other.similarity

    def nearer_than(self, other: Nearest) -> Indices:
        """Return the rows in which this result is strictly nearer than another."""
        mine = np.round(self.similarity, _TIE_DECIMALS)
        better = mine > np.round(other.similarity, _TIE_DECIMALS)
        found = self.position != NOTHING
        return np.flatnonzero(found & (better | (other.position == NOTHING)))


def nearest_kept(X: Vectors, kept: KeptVectors, threshold: float, *, first: int = 0) -> Nearest:
    """Find the kept vector nearest to each row, exactly; ties go to the older one.

    float32 products propose every candidate within rounding, and float64 decides among them.
    O(B M D) time, O(B) memory.

    Args:
        X: `[B, D]` float32 unit vectors.
        kept: what to search.
        threshold: the value that similarities will be compared with.
        first: search positions from this one on.
    """
    slack = np.float32(2.0 * dot_rounding(X.shape[1]))
    best = np.full(X.shape[0], -np.inf, dtype=np.float32)
    found: list[tuple[Indices, Indices, Vectors]] = []
    for start in range(first, kept.size, _TILE_ROWS):
        products = X @ kept.vectors[start : start + _TILE_ROWS].T
        if kept.has_gaps:
            products[:, ~kept.alive[start : start + _TILE_ROWS]] = -np.inf
        np.maximum(best, products.max(axis=1), out=best)
        places = np.flatnonzero(products >= np.maximum(best - slack, -2.0)[:, None])
        row, column = np.divmod(places, products.shape[1])
        found.append((row, start + column, products[row, column]))
    if not found:
        return Nearest.none(X.shape[0])
    row, position, product = (np.concatenate(part) for part in zip(*found, strict=True))
    near = product >= best[row] - slack
    return pick_nearest(X, kept, threshold, row[near], position[near])


def pick_nearest(
    X: Vectors, kept: KeptVectors, threshold: float, row: Indices, position: Indices
) -> Nearest:
    """Return the nearest of the proposed pairs for each row of `X`, decided in float64.

    Args:
        X: `[B, D]` float32 unit vectors.
        kept: the kept vectors.
        threshold: the value that similarities will be compared with.
        row: `[P]` row of `X` in each pair.
        position: `[P]` position of the kept vector in each pair.
    """
    result = Nearest.none(X.shape[0])
    exact = similarities(X, row, kept.vectors, position, threshold)
    ranking = np.lexsort((kept.order[position], -np.round(exact, _TIE_DECIMALS), row))
    rows, first = np.unique(row[ranking], return_index=True)
    chosen = ranking[first]
    result.position[rows] = position[chosen]
    result.similarity[rows] = exact[chosen]
    return result


_FLOAT32_HALF_STEP = 2.0**-24
_FLOAT64_STEP = 2.0**-52
_PAIRS_AT_ONCE = 512
_UNIT_LENGTH_ROUNDING = 4e-6  # error of 1 - chord²/2 if rows are of length 1 only within rounding


def chord(similarity: float) -> float:
    """Return the Euclidean distance in [0, 2] of two unit vectors with this cosine similarity.

    >>> chord(1.0), chord(-1.0)
    (0.0, 2.0)
    """
    return math.sqrt(max(0.0, 2.0 - 2.0 * similarity))


def cosine_of(distance: float) -> float:
    """Return the cosine similarity at a Euclidean distance; -1 at 2 and beyond.

    >>> cosine_of(0.0), cosine_of(2.0)
    (1.0, -1.0)
    """
    return max(-1.0, 1.0 - distance * distance / 2.0)


def dot_rounding(dim: int) -> float:
    """Bound the error of a float32 dot product of `dim` terms.

    It holds for any order of summation (Higham, Accuracy and Stability of Numerical Algorithms,
    2002, equation 3.5), hence for any BLAS, blocking and number of threads.
    """
    return 1.01 * (dim + 2) * _FLOAT32_HALF_STEP + _UNIT_LENGTH_ROUNDING


def similarities(
    A: Vectors, a: Indices, B: Vectors, b: Indices, threshold: float
) -> NDArray[np.float64]:
    """Return the similarity of row `a[i]` of `A` to row `b[i]` of `B` for each i, in float64.

    If it is so close to `threshold` that the order of summation could decide, it is summed
    exactly, so that the comparison gives the same result on every machine. The result for a pair
    does not depend on the other pairs. O(PD) time, O(P + D) memory.

    Args:
        A: `[N, D]` float32 unit vectors.
        a: `[P]` rows of `A`.
        B: `[M, D]` float32 unit vectors.
        b: `[P]` rows of `B`.
        threshold: the value that the result will be compared with.

    Returns:
        `[P]` float64 in [-1, 1]; 1 for equal rows.
    """
    result = np.empty(a.size, dtype=np.float64)
    doubt = A.shape[1] * _FLOAT64_STEP * 4.0
    for start in range(0, a.size, _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        squares = np.square(A[a[part]].astype(np.float64) - B[b[part]])
        values = 1.0 - np.add.reduce(squares, axis=1) / 2.0
        for row in np.flatnonzero(np.abs(values - threshold) <= doubt):
            values[row] = 1.0 - math.fsum(squares[row].tolist()) / 2.0
        result[part] = values
    return np.maximum(result, -1.0)

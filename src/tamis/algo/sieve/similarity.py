"""How alike two vectors are, exactly enough that no decision hangs on rounding.

The distance of two unit vectors is the Euclidean one (the chord), and their cosine similarity is
`1 - chord² / 2`. Taken so, from float32 rows in float64, two equal rows have similarity 1 and
the triangle inequality holds, which the bounds of the sieve rest on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["chord", "cosine_of", "dot_rounding", "similarities"]

_FLOAT32_HALF_STEP = 2.0**-24
_FLOAT64_STEP = 2.0**-52
_PAIRS_AT_ONCE = 512
_UNIT_LENGTH_ROUNDING = 4e-6  # what rows that are unit vectors within rounding add to 1 - chord²/2


def chord(similarity: float) -> float:
    """Return the Euclidean distance in [0, 2] of two unit vectors of this cosine similarity.

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
    """Return how far a float32 dot product of `dim` terms may be from the true similarity.

    The bound holds for any order of summation (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, equation 3.5), hence for any BLAS, blocking or number of threads.
    """
    return 1.01 * (dim + 2) * _FLOAT32_HALF_STEP + _UNIT_LENGTH_ROUNDING


def similarities(
    A: Vectors, a: Indices, B: Vectors, b: Indices, threshold: float
) -> NDArray[np.float64]:
    """Return the similarity of row `a[i]` of `A` to row `b[i]` of `B` for each i, in float64.

    Where it is so near `threshold` that the order of summation could decide, it is summed
    without rounding, so that comparing with `threshold` gives one answer everywhere. Each pair's
    figure is the same whatever pairs stand beside it. O(PD) time, O(P + D) memory.

    Args:
        A: `[N, D]` float32 unit vectors.
        a: `[P]` rows of `A`.
        B: `[M, D]` float32 unit vectors.
        b: `[P]` rows of `B`.
        threshold: what the result will be compared with.

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

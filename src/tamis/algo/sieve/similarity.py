"""Similarities of vectors, precise enough that no decision depends on rounding.

The distance of two unit vectors is Euclidean (the chord), and their cosine similarity is
`1 - chord² / 2`. Computed this way, in float64 from float32 rows, equal rows have similarity 1 and
the triangle inequality holds, which the bounds of the sieve rely on.
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

"""An order of rows that depends on what they hold, not on where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["canonical_order"]


def canonical_order(X: Vectors) -> Indices:
    """Return the row numbers of `X` sorted by the bytes of the rows, ties by row number.

    An algorithm that first puts its rows in this order gives, bit for bit, the same answer
    whatever order they came in; only identical rows can stand for each other. O(N log N)
    comparisons, O(N) memory.

    Args:
        X: `[N, D]` float32 in C order.

    Example:
        >>> X = np.array([[0, 1], [1, 0], [0, 1]], dtype=np.float32)
        >>> canonical_order(X), canonical_order(X[::-1].copy())
        (array([0, 2, 1]), array([0, 2, 1]))
    """
    if X.shape[0] == 0:
        return np.empty(0, dtype=np.int64)
    # Adding 0 turns -0.0 into 0.0, which are equal but differ in their bytes.
    rows = (X + np.float32(0)).view(np.dtype((np.void, X.shape[1] * X.itemsize))).ravel()
    return np.argsort(rows, kind="stable").astype(np.int64, copy=False)

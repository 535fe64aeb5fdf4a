"""An order of rows that depends only on their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["canonical_order"]

_KEY_BYTES = 8


def canonical_order(X: Vectors) -> Indices:
    """Return the row numbers of `X` sorted by the bytes of the rows, ties by row number.

    An algorithm that first sorts its rows this way returns bit-identical results for any input
    order, except that identical rows may be swapped. O(N log N) comparisons, O(N) memory.

    Args:
        X: `[N, D]` float32 in C order.

    Example:
        >>> X = np.array([[0, 1], [1, 0], [0, 1]], dtype=np.float32)
        >>> canonical_order(X), canonical_order(X[::-1].copy())
        (array([0, 2, 1]), array([0, 2, 1]))
    """
    if X.shape[0] == 0:
        return np.empty(0, dtype=np.int64)
    # The first bytes nearly always decide; as big-endian integers they sort like bytes.
    first = X[:, : _KEY_BYTES // X.itemsize]
    head = np.zeros((X.shape[0], _KEY_BYTES // X.itemsize), dtype=np.float32)
    head[:, : first.shape[1]] = first
    keys = _plain_zeros(head).view(">u8").ravel().astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    equal = keys[order[1:]] == keys[order[:-1]]
    # Start and end of each run of equal first bytes.
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], equal, [False]]).astype(np.int8)))
    for start, end in zip(bounds[::2], bounds[1::2] + 1, strict=True):
        rows = _plain_zeros(X[order[start:end]])
        whole = rows.view(np.dtype((np.void, X.shape[1] * X.itemsize))).ravel()
        order[start:end] = order[start:end][np.argsort(whole, kind="stable")]
    return order.astype(np.int64, copy=False)


def _plain_zeros(X: Vectors) -> Vectors:
    """Turn -0.0 into 0.0: they are equal, but their bytes differ."""
    return X + np.float32(0)

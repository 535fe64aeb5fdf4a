"""Resampling and smoothing as matrices, so that every runtime computes them in the same way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gaussian_matrix", "pooling_matrix", "resize_matrix"]

_CUT = 4.0
"""Standard deviations of a Gaussian beyond which it is taken for 0."""


@lru_cache(maxsize=64)
def resize_matrix(before: int, after: int) -> NDArray[np.float32]:
    """Return `[after, before]` float32, which resamples a line of cells; rows sum to 1.

    Bilinear with the corners at the ends of the line; where the line gets shorter, the triangle is
    widened by the same factor, so that no cell is skipped.

    >>> resize_matrix(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    reach = max(before / after, 1.0)
    centers = (np.arange(after) + 0.5) * before / after - 0.5
    cells = np.arange(-int(np.ceil(reach)), before + int(np.ceil(reach)))
    weights = np.maximum(1.0 - np.abs(centers[:, None] - cells) / reach, 0.0)
    return _folded(weights, cells, before)


@lru_cache(maxsize=64)
def gaussian_matrix(length: int, sigma: float) -> NDArray[np.float32]:
    """Return `[length, length]` float32, which smooths a line of cells; rows sum to 1.

    Beyond its ends the line goes on with its last cell. `sigma`, in cells, may be 0.
    """
    if sigma <= 0:
        return np.eye(length, dtype=np.float32)
    reach = int(np.ceil(_CUT * sigma))
    cells = np.arange(-reach, length + reach)
    away = (np.arange(length)[:, None] - cells) / sigma
    return _folded(np.where(np.abs(away) <= _CUT, np.exp(-0.5 * away**2), 0.0), cells, length)


@lru_cache(maxsize=64)
def pooling_matrix(length: int, width: int) -> NDArray[np.float32]:
    """Return `[length, length]` float32, which takes the mean of `width` (odd) cells around each.

    Beyond its ends the line goes on with its last cell.
    """
    reach = width // 2
    cells = np.arange(-reach, length + reach)
    near = np.abs(np.arange(length)[:, None] - cells) <= reach
    return _folded(near.astype(np.float64), cells, length)


def _folded(
    weights: NDArray[np.float64], cells: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """Add the weights of cells beyond the ends to those of the last cells."""
    folded = np.zeros((len(weights), length))
    np.add.at(folded.T, np.clip(cells, 0, length - 1), weights.T)
    whole: NDArray[np.float32] = (folded / folded.sum(axis=1, keepdims=True)).astype(np.float32)
    whole.flags.writeable = False  # it is shared
    return whole

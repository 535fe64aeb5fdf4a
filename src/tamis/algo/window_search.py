"""Coarse search for crops: every window of one picture against the whole of the other.

Finds crops down to 70% of the side, mirrored or not, from 32 x 32 pixels.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.grid_filters import filtered, resampled, sampling_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.grid_filters import Grids
    from tamis.algo.registration import Transforms
    from tamis.types import Indices

__all__ = ["search_windows", "window_vectors"]

_SIDE = 16
_SCALES = (1.0, 0.9, 0.8, 0.7)
_STEP = 0.1
# In pixels of the window. Broader detail reflects the lighting, not the content.
_BROADEST = 2.5
_FLATTEST = 1e-3


def window_vectors(pictures: Grids) -> NDArray[np.float32]:
    """Return a descriptor of each window of each picture.

    Args:
        pictures: `[N, n, n]` gray levels.

    Returns:
        `[N, P, 256]` float32, each of length 1, or 0 for a flat window. The first of the P windows
        is the whole picture.
    """
    windows = _windows()
    rows = sampling_matrix(windows[:, 0], windows[:, 2], _SIDE, pictures.shape[-1])
    columns = sampling_matrix(windows[:, 1], windows[:, 2], _SIDE, pictures.shape[-1])
    # Filter after cutting, or the same detail would look different at another scale.
    cut = resampled(pictures[:, None], rows, columns)
    cut = filtered(cut, 0.0, _BROADEST)
    vectors = cut.reshape(len(pictures), len(windows), -1)
    length = np.linalg.norm(vectors, axis=2, keepdims=True)
    unit: NDArray[np.float32] = np.where(length > _FLATTEST, vectors, 0) / np.maximum(length, 1e-6)
    return unit


def search_windows(
    vectors: NDArray[np.float32], left: Indices, right: Indices, flipped: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], Transforms]:
    """Find the best match of one picture of each pair as a window of the other.

    O(M P) dot products of 256 numbers.

    Args:
        vectors: `[N, P, 256]` from `window_vectors`.
        left: `[M]` row numbers.
        right: `[M]` row numbers.
        flipped: `[M]`, whether to mirror the right picture left-right first.

    Returns:
        Correlations `[M]`, and transforms `[M, 4]` from the left to the (mirrored) right picture.
    """
    windows = _windows()
    whole = vectors[:, 0]
    mirrored = whole.reshape(-1, _SIDE, _SIDE)[:, :, ::-1].reshape(len(vectors), -1)
    turn = flipped[:, None]
    in_left = _products(vectors[left], np.where(turn, mirrored[right], whole[right]))
    in_right = _products(vectors[right], np.where(turn, mirrored[left], whole[left]))
    y, x, scale = windows[in_right.argmax(axis=1)].T
    # A mirrored window is as far from the right edge as the window is from the left.
    as_window = np.stack([y, np.where(flipped, 1 - x - scale, x), scale, scale], axis=1)
    y, x, scale = windows[in_left.argmax(axis=1)].T
    as_whole = np.stack([-y, -x, np.ones_like(scale), np.ones_like(scale)], axis=1) / scale[:, None]
    best_left, best_right = in_left.max(axis=1), in_right.max(axis=1)
    transforms = np.where((best_left > best_right)[:, None], as_whole, as_window)
    return np.maximum(best_left, best_right), transforms.astype(np.float32)


@cache
def _windows() -> NDArray[np.float32]:
    """`[P, 3]`: top, left and side of every window; the whole picture comes first."""
    rows = []
    for scale in _SCALES:
        places = np.linspace(0, 1 - scale, round((1 - scale) / _STEP) + 1)
        rows += [(y, x, scale) for y in places for x in places]
    return np.array(rows, dtype=np.float32)


def _products(windows: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = (windows @ whole[..., None])[..., 0]
    return products

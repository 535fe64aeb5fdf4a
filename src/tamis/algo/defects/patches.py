"""What a place of a picture is described by: feature maps of several levels, pooled and joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.defects.linear_maps import pooling_matrix, resize_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["POOLED", "joined_levels", "pooled_level"]

POOLED = 3
"""Cells across that are averaged (Roth et al. 2022, PatchCore)."""

_TINY = 1e-12


def pooled_level(
    features: NDArray[np.float32], grid: tuple[int, int], *, pooled: int = POOLED
) -> NDArray[np.float32]:
    """Return a level's features on a grid, averaged over neighbors, each of length 1.

    Pooling and resampling are one matrix a side. O(h w D (h + w)).

    Args:
        features: `[h, w, D]` float32 map.
        grid: rows and columns of the result.
        pooled: cells of the map across, odd, that are averaged.

    Returns:
        `[rows, columns, D]` float32.
    """
    height, width, dim = features.shape
    down = resize_matrix(height, grid[0]) @ pooling_matrix(height, pooled)
    across = resize_matrix(width, grid[1]) @ pooling_matrix(width, pooled)
    lines = (down @ features.reshape(height, -1)).reshape(grid[0], width, dim)
    placed: NDArray[np.float32] = np.matmul(across, lines)
    length = np.sqrt((placed * placed).sum(axis=2, keepdims=True))
    placed /= np.maximum(length, np.float32(_TINY))
    return placed


def joined_levels(levels: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join levels of unit vectors `[..., D]` to unit vectors `[..., sum of D]`.

    The cosine of two joined vectors is the mean of their levels' cosines.
    """
    scale = np.float32(1 / np.sqrt(len(levels)))
    joined: NDArray[np.float32] = np.concatenate(levels, axis=-1) * scale
    return joined

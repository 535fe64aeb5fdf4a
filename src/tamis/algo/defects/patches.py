"""What a place of a picture is described by: feature maps of several levels, pooled and joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.defects.linear_maps import pooling_matrix, resize_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["POOLED", "joined_levels", "pooled_level"]

POOLED = 3
"""Cells across that are averaged (Roth et al. 2022, PatchCore)."""

_TINY = 1e-12

_BAND = 16
"""Rows of a banded matrix that are multiplied at a time."""


def pooled_level(
    features: NDArray[np.float32], grid: tuple[int, int], *, pooled: int = POOLED
) -> NDArray[np.float32]:
    """Return a level's features on a grid, averaged over neighbors, each of length 1.

    Pooling and resampling are one matrix a side, of which only the band beside the diagonal is
    multiplied. O(h w D).

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
    lines = np.empty((grid[0], width * dim), np.float32)
    flat = features.reshape(height, -1)
    for rows, cells in _bands(down):
        np.matmul(down[rows, cells], flat[cells], out=lines[rows])
    lines = lines.reshape(grid[0], width, dim)
    placed = np.empty((*grid, dim), np.float32)
    for columns, cells in _bands(across):
        np.matmul(across[columns, cells], lines[:, cells], out=placed[:, columns])
    length = np.sqrt(np.einsum("ijk,ijk->ij", placed, placed))[..., None]
    placed /= np.maximum(length, np.float32(_TINY))
    return placed


def _bands(matrix: NDArray[np.float32]) -> Iterator[tuple[slice, slice]]:
    """Yield some rows at a time of a banded matrix, with the columns where they are not 0."""
    for start in range(0, len(matrix), _BAND):
        rows = slice(start, start + _BAND)
        filled = np.flatnonzero(matrix[rows].any(axis=0))
        yield rows, slice(int(filled[0]), int(filled[-1]) + 1)


def joined_levels(levels: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join levels of unit vectors `[..., D]` to unit vectors `[..., sum of D]`.

    The cosine of two joined vectors is the mean of their levels' cosines.
    """
    if len(levels) == 1:
        return levels[0]
    scale = np.float32(1 / np.sqrt(len(levels)))
    joined: NDArray[np.float32] = np.concatenate(levels, axis=-1) * scale
    return joined

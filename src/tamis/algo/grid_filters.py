"""Separable linear filters of small square pictures, as matrix products."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Grids", "blur_matrix", "filtered", "resampled", "sampling_matrix", "shrink", "slopes"]

Grids: TypeAlias = "NDArray[np.float32]"
"""Square gray pictures, `[M, n, n]` float32 in gray levels."""


# OpenBLAS runs a matrix product of up to this many multiplications in one thread.
_ONE_THREAD = 2**18


@cache
def blur_matrix(n: int, sigma: float) -> NDArray[np.float32]:
    """Return the `[n, n]` matrix that blurs a column by a Gaussian, with mirrored borders.

    Args:
        n: length of the column.
        sigma: standard deviation in pixels, under `n / 4`; 0 leaves the column as it is.

    Example:
        >>> blur_matrix(16, 2.0).sum(axis=1).round(5).tolist() == [1.0] * 16
        True
    """
    if sigma == 0:
        return np.eye(n, dtype=np.float32)
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    matrix = np.zeros((n, n))
    for offset, weight in zip(range(-reach, reach + 1), kernel, strict=True):
        source = (np.arange(n) + offset) % (2 * n)
        np.add.at(matrix, (np.arange(n), np.minimum(source, 2 * n - 1 - source)), weight)
    return matrix.astype(np.float32)


def filtered(pictures: Grids, fine: float, wide: float) -> Grids:
    """Band-pass filter: the blur by `fine` pixels minus the blur by `wide` pixels.

    The mean of each picture becomes 0. O(n³) per picture.
    """
    n = pictures.shape[-1]
    narrow, broad = blur_matrix(n, fine), blur_matrix(n, wide)
    return resampled(pictures, narrow, narrow) - resampled(pictures, broad, broad)


def resampled(
    pictures: Grids, rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Multiply each picture from both sides: `rows @ picture @ columns.T`.

    Args:
        pictures: `[..., n, n]`.
        rows: `[..., r, n]`.
        columns: `[..., c, n]`.

    Returns:
        `[..., r, c]` float32.
    """
    # BLAS would split each of these small products over threads, and waiting would cost more than
    # the work; it does not split products of few rows.
    slab = _slab(rows.shape[-2], max(rows.shape[-1], columns.shape[-2]) * rows.shape[-1])
    slabs = rows.reshape(*rows.shape[:-2], rows.shape[-2] // slab, slab, rows.shape[-1])
    product = slabs @ pictures[..., None, :, :] @ np.swapaxes(columns, -1, -2)[..., None, :, :]
    shape = (*product.shape[:-3], rows.shape[-2], columns.shape[-2])
    return product.reshape(shape).astype(np.float32, copy=False)


def _slab(rows: int, others: int) -> int:
    """The largest divisor of `rows` whose product with `others` numbers runs in one thread."""
    most = max(_ONE_THREAD // others, 1)
    return max(size for size in range(1, min(rows, most) + 1) if rows % size == 0)


def sampling_matrix(
    low: NDArray[np.float32], size: NDArray[np.float32], side: int, n: int
) -> NDArray[np.float32]:
    """Return weights that sample `side` points of a span of a column by linear interpolation.

    If the points are farther apart than pixels, the kernel is widened so that no pixel is skipped.

    Args:
        low: `[M]` start of each span, as a fraction of the column.
        size: `[M]` its length, as a fraction of the column.
        side: number of points.
        n: length of the column in pixels.

    Returns:
        `[M, side, n]`; the weights of a point sum to 1.
    """
    step = size / side * n
    centre = low[:, None] * n + (np.arange(side, dtype=np.float32) + 0.5) * step[:, None] - 0.5
    centre = np.clip(centre, 0, n - 1).astype(np.float32, copy=False)
    width = np.maximum(step, 1)[:, None, None].astype(np.float32, copy=False)
    # In place: such matrices are made for every step of every pair, and memory is what it costs.
    weights = (np.arange(n, dtype=np.float32) - centre[:, :, None]).astype(np.float32, copy=False)
    np.abs(weights, out=weights)
    weights /= width
    np.subtract(np.float32(1), weights, out=weights)
    np.maximum(weights, 0, out=weights)
    weights /= weights.sum(axis=2, keepdims=True)
    return weights


def shrink(pictures: Grids | NDArray[np.uint8], side: int) -> Grids:
    """Average `[M, k·side, k·side]` pictures down to `[M, side, side]`, k at most 16."""
    step = pictures.shape[-1] // side
    exact = pictures.astype(np.uint16) if pictures.dtype == np.uint8 else pictures
    rows = sum(exact[:, at::step] for at in range(1, step)) + exact[:, ::step]
    averaged = sum(rows[:, :, at::step] for at in range(1, step)) + rows[:, :, ::step]
    return (averaged / np.float32(step**2)).astype(np.float32, copy=False)


def slopes(pictures: Grids) -> tuple[Grids, Grids]:
    """Return the gradient of each picture, downward and to the right, per side length."""
    n = np.float32(pictures.shape[-1])
    down, across = np.empty_like(pictures), np.empty_like(pictures)
    for slope, along in ((down, 1), (across, 2)):
        before, here = pictures.swapaxes(1, along), slope.swapaxes(1, along)
        np.subtract(before[:, 2:], before[:, :-2], out=here[:, 1:-1])
        here[:, 1:-1] *= n / 2
        here[:, 0] = n * (before[:, 1] - before[:, 0])
        here[:, -1] = n * (before[:, -1] - before[:, -2])
    return down, across

"""Whether two pictures agree in fine detail as they lie, told by a few bits of each.

Small pictures say where one picture lies in the other, unless a strong change (a dialog over a
screen) leads their registration astray, or all detail is too fine for them (knitwear, print). Most
pairs of one view lie alike, so that is tried on its own: the sign of the detail at each place is
one bit however strong the detail is, and counting equal signs costs microseconds a pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.picture_filters import blurred

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["detail_signs", "sign_agreement"]

# In pixels of 128 a side.
_BAND = (0.7, 3.0)
# Grey levels: JPEG leaves flat ground within about this much of 0.
_NOISE = 2.0
# Rows used: every second tells as well as all, and columns stay whole, to be mirrored.
_ROW_STEP = 2
# Places with detail that both pictures need; fewer agree by chance.
_FEWEST = 200
_AT_ONCE = 4096


def detail_signs(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where fine detail is brighter than what surrounds it, and where darker.

    Flat places are neither. About .1 ms a picture of 128 x 128 pixels.

    Args:
        pictures: `[M, n, n]` grey levels.

    Returns:
        `[M, 2, n² / 16]` uint8: bits of every second row, the brighter places first.
    """
    n = pictures.shape[-1]
    packed = np.empty((len(pictures), 2, n // _ROW_STEP, n // 8), np.uint8)
    for row, picture in enumerate(pictures):
        values = picture.astype(np.float32)
        detail = (blurred(values, _BAND[0]) - blurred(values, _BAND[1]))[::_ROW_STEP]
        packed[row, 0] = np.packbits(detail > _NOISE, axis=1)
        packed[row, 1] = np.packbits(detail < -_NOISE, axis=1)
    return packed.reshape(len(pictures), 2, -1)


def sign_agreement(
    signs: NDArray[np.uint8], left: Indices, right: Indices, *, mirrored: bool = False
) -> NDArray[np.float32]:
    """Correlate the signs of pairs of pictures that lie alike.

    About 10 µs a pair.

    Args:
        signs: `[N, 2, B]` from `detail_signs`, of square pictures.
        left: `[M]` row numbers.
        right: `[M]` row numbers.
        mirrored: whether each right picture is mirrored left-right first.

    Returns:
        `[M]` float32 in [-1, 1]; about 0 for unrelated pictures, 0 where either has hardly any
        detail.

    Example:
        >>> stripes = np.tile(np.repeat([[90, 160]], 4, axis=1), (128, 16)).astype(np.uint8)
        >>> signs = detail_signs(np.stack([stripes, np.roll(stripes, 4, axis=1)]))
        >>> sign_agreement(signs, np.array([0, 0]), np.array([0, 1])).round(1).tolist()
        [1.0, -1.0]
    """
    found = np.zeros(len(left), np.float32)
    for start in range(0, len(left), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        a, b = signs[left[part]], signs[right[part]]
        if mirrored:
            b = _mirrored(b)
        alike = _ones(a & b).sum(axis=1)
        unlike = _ones(a & b[:, ::-1]).sum(axis=1)
        detailed, other = _ones(a).sum(axis=1), _ones(b).sum(axis=1)
        enough = np.minimum(detailed, other) >= _FEWEST
        both = np.sqrt(detailed.astype(np.float64) * other)
        found[part] = np.where(enough, (alike - unlike) / np.maximum(both, 1), 0)
    return found


def _ones(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the ones along the last axis, whose length is a multiple of 8."""
    counts: NDArray[np.int64] = np.bitwise_count(bits.view(np.uint64)).sum(axis=-1, dtype=np.int64)
    return counts


def _mirrored(signs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reverse the columns of packed rows."""
    side = int(np.sqrt(signs.shape[-1] * 8 * _ROW_STEP))
    rows = signs.reshape(*signs.shape[:-1], side // _ROW_STEP, side // 8)
    turned = np.packbits(np.unpackbits(rows, axis=-1)[..., ::-1], axis=-1)
    return np.ascontiguousarray(turned.reshape(signs.shape))

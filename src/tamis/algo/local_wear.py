"""What copying does to the very places where a pair differs most.

A tolerance of two numbers, however well fitted, is one for all places. JPEG wears hard edges beside
flat ground far more than anything else, so a heavily compressed copy stands out there as other
content does. The pictures themselves say what it may come to: compressed until they are as worn as
the pair is in its bulk, they show at each place what copying does there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tamis.algo.coherent_residual import Aligned, Worst, coherent_residual
from tamis.algo.photometric_fit import luma_chroma
from tamis.algo.picture_filters import blurred

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Compress = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]

__all__ = ["beyond_wear"]

_QUALITIES = (85, 70, 55, 40, 30, 20, 10)
"""JPEG qualities tried, mildest first."""

# A copy reaches up to about this at its worst place without any wear of its own.
_USUAL = 1.5
_USUAL_WORST = 3.0
# JPEG's blocks lie elsewhere in the made copy, so that its wear at a place may lie a block away.
_BLOCK = 9
_WIDE = 3.0
_STEEPEST, _SMOOTH = 0.9, 1.0


def beyond_wear(
    aligned: Aligned, worst: Worst, pictures: Sequence[NDArray[np.uint8]], compress: Compress
) -> Worst:
    """Measure a pair's residual in units of what compression does to each place.

    The pictures are compressed, mildest first, until their steep places are as worn as the pair's.
    A place counts as much less as it is worn more than places of every copy are, and all places as
    the worst one is worn more than that of a usual copy; where neither is, the excess stays what it
    was. About 60 ms for two of 256 x 192 pixels.

    Args:
        aligned: the pair.
        worst: its residual.
        pictures: each `[H, W, 3]` uint8 RGB on the grid of the pair: one of it or both.
        compress: takes such a picture and a JPEG quality, returns what is left of it.
    """
    goal = _Steep(aligned.luma[0], aligned.shared).wear(aligned.luma[1])
    wear = np.zeros_like(worst.excesses)
    for picture in pictures:
        luma, chroma = _planes(picture)
        steep = _Steep(luma, aligned.shared)
        for quality in _QUALITIES:
            made = _planes(compress(picture, quality))
            if steep.wear(made[0]) >= goal:
                break
        colours = np.stack([chroma, made[1]]) if aligned.chroma.size else aligned.chroma
        worn = coherent_residual(Aligned(np.stack([luma, made[0]]), colours, aligned.shared))
        wear = np.maximum(wear, worn.excesses)
    wear = ndimage.maximum_filter(wear, size=_BLOCK)
    # Blocks of the copy lie elsewhere, so that its worst place is not quite that of the pair.
    excesses = worst.excesses / np.maximum(wear / _USUAL, max(float(wear.max()) / _USUAL_WORST, 1))
    return replace(worst, excess=float(excesses.max()), excesses=excesses)


def _planes(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return luma_chroma(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))


class _Steep:
    """The steepest places of a picture, which are what compression wears."""

    def __init__(self, luma: NDArray[np.float32], shared: NDArray[np.bool_]) -> None:
        smooth = blurred(luma, _SMOOTH)
        slope = np.zeros_like(luma)
        slope[1:-1] += (smooth[2:] - smooth[:-2]) ** 2
        slope[:, 1:-1] += (smooth[:, 2:] - smooth[:, :-2]) ** 2
        inside = slope[shared]
        at = int(_STEEPEST * inside.size)
        self._luma, self._shared = luma, shared
        self._places = shared & (slope >= np.partition(inside, at)[at])

    def wear(self, other: NDArray[np.float32]) -> float:
        """Return the median residual of the finest band there, in grey levels.

        Other content in under half of these places does not count.
        """
        difference = np.where(self._shared, self._luma - other, 0)
        fine = np.abs(difference - blurred(difference, _WIDE))[self._places]
        return float(np.partition(fine, fine.size // 2)[fine.size // 2])

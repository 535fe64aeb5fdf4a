"""Which of two pictures that show the same is sharper, and by which blur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.fine_registration import robust_line
from tamis.algo.picture_filters import blurred

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blur_between"]

_BLURS = (0.5, 0.7, 0.9, 1.2, 1.6, 2.1, 2.8)
# Blurring has to explain this share of the residual, or nothing was blurred.
_EXPLAINED = 0.03
_SET_ASIDE = 0.1
# Over two pixels, in grey levels, and how many such places are enough.
_STEEP, _FEWEST_STEEP = 12.0, 100


def blur_between(
    a: NDArray[np.float32], b: NDArray[np.float32], shared: NDArray[np.bool_]
) -> tuple[bool, float]:
    """Return which of two pictures is sharper (True: the first), and by which blur.

    The blur that leaves least between them, judged where both are steep; 0 if neither is sharper.
    O(H W) for each of at most 14 blurs.

    Args:
        a: `[H, W]` float32 brightness.
        b: `[H, W]` of the other, in place.
        shared: `[H, W]` where both show something.

    Returns:
        Whether the first is the sharper one, and the Gaussian's standard deviation in pixels.
    """
    few = shared[::4, ::4]
    gain, level, _ = robust_line(b[::4, ::4][few], a[::4, ::4][few])
    b = np.float32(gain) * b + np.float32(level)
    some = shared[::2, ::2] & _steep_in_both(a, b)
    if np.count_nonzero(some) < _FEWEST_STEEP:
        some = shared[::2, ::2]

    def left_over(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        values = np.abs(one - other)[some]
        kept = max(int(values.size * (1 - _SET_ASIDE)), 1)
        return float(np.partition(values, kept - 1)[:kept].mean())

    start = left_over(a[::2, ::2], b[::2, ::2])
    best, first, sigma = start * (1 - _EXPLAINED), False, 0.0
    for is_first, sharper, other in ((True, a, b), (False, b, a)):
        last = start
        for blur in _BLURS:
            now = left_over(blurred(sharper, blur, 2), other[::2, ::2])
            if now < best:
                best, first, sigma = now, is_first, blur
            if now > last:
                break
            last = now
    return first, sigma


def _steep_in_both(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Every second place of every second row that is steep in two pictures.

    Flat places tell nothing of a blur, and of a picture of one print on plain cloth they are nearly
    all. What is steep in one picture only is other content.
    """
    # A blur spreads an edge that it makes less steep.
    return _slope(a) * _slope(b) > _STEEP**2


def _slope(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the neighbours of every second place of every second row differ, `[H/2, W/2]`."""
    padded = np.pad(picture, 1, mode="edge")
    height, width = picture.shape
    down = padded[2 : height + 2 : 2, 1 : width + 1 : 2] - padded[0:height:2, 1 : width + 1 : 2]
    across = padded[1 : height + 1 : 2, 2 : width + 2 : 2] - padded[1 : height + 1 : 2, 0:width:2]
    slope: NDArray[np.float32] = np.maximum(np.abs(down), np.abs(across))
    return slope

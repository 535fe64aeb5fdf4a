"""Interpolate pictures at the points of an affine map.

The points are computed once and reused for every channel.

Source: Unser, Splines: a perfect fit for signal and image processing, 1999, section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.picture_filters import spline_coefficients

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AffineSampler"]

# A cubic B-spline reaches one pixel further on each side than linear interpolation.
_MARGIN = 2


class AffineSampler:
    """Samples pictures of one shape at `z' = linear z + offset` for every pixel z of another.

    Points outside take the value of the nearest border pixel.
    """

    def __init__(
        self,
        linear: NDArray[np.float64],
        offset: NDArray[np.float64],
        here: tuple[int, int],
        there: tuple[int, int],
    ) -> None:
        """Compute the points.

        Args:
            linear: `[2, 2]`, rows first.
            offset: `[2]` in pixels.
            here: height and width of the grid.
            there: height and width of the pictures to sample, each at least 2.
        """
        y = np.arange(here[0], dtype=np.float32)[:, None]
        x = np.arange(here[1], dtype=np.float32)[None, :]
        (yy, yx), (xy, xx) = linear.astype(np.float32)
        dy, dx = offset.astype(np.float32)
        down, across = (yy * y + dy) + yx * x, xy * y + (xx * x + dx)
        np.clip(down, 0, there[0] - 1, out=down)
        np.clip(across, 0, there[1] - 1, out=across)
        top = np.minimum(down.astype(np.int64), there[0] - 2)
        start = np.minimum(across.astype(np.int64), there[1] - 2)
        self._top, self._start, self._there = top, start, there
        self._down = down - top.astype(np.float32)
        self._across = across - start.astype(np.float32)

    def linear(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sample `[H', W']` by bilinear interpolation; about 0.4 ms for 256 x 192 points."""
        flat, width = np.ascontiguousarray(picture).reshape(-1), self._there[1]
        at = self._top * width + self._start
        upper: NDArray[np.float32] = flat.take(at, mode="clip")
        upper += (flat[1:].take(at, mode="clip") - upper) * self._across
        at += width
        lower = flat.take(at, mode="clip")
        lower += (flat[1:].take(at, mode="clip") - lower) * self._across
        lower -= upper
        lower *= self._down
        upper += lower
        return upper

    def cubic(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sample `[H', W']` by cubic B-spline; about 1.2 ms for 256 x 192 points."""
        coefficients = spline_coefficients(picture, _MARGIN)
        width = self._there[1] + 2 * _MARGIN
        flat = np.ascontiguousarray(coefficients).reshape(-1)
        at = (self._top + (_MARGIN - 1)) * width + (self._start + (_MARGIN - 1))
        rows, columns = _spline_weights(self._down), _spline_weights(self._across)
        made = np.zeros(at.shape, np.float32)
        for i, row in enumerate(rows):
            line = flat[i * width :].take(at, mode="clip")
            line *= columns[0]
            for j in (1, 2, 3):
                value = flat[i * width + j :].take(at, mode="clip")
                value *= columns[j]
                line += value
            line *= row
            made += line
        return made


def _spline_weights(t: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Weights of the four B-splines around a point at `t` in [0, 1] between the middle two."""
    s, sixth = 1 - t, np.float32(1 / 6)
    first, last = s * s * s * sixth, t * t * t * sixth
    second = np.float32(2 / 3) - t * t * (np.float32(1) - np.float32(0.5) * t)
    return first, second, 1 - first - second - last, last

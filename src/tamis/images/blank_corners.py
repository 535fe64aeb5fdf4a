"""Whether a picture was tilted in its own frame, which leaves four blank corners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["has_blank_corners"]

# Levels that JPEG moves a flat corner by, and a wedge beside what was turned.
_FLAT, _RINGING = 14, 24
# In units of the side: shorter wedges cannot be told from a dark corner.
_SHORTEST = 0.1
# Tangents of the angles told, and by which share those of the corners may differ.
_LEAST_SLOPE, _STEEPEST, _ALIKE = 0.008, 0.3, 0.35
_PIXELS_OFF = 2.0
# Of the longest row: how far the rim of a wedge may be from straight.
_CROOKED = 0.12


def has_blank_corners(picture: Image.Image) -> bool:
    """Tell whether each corner is a wedge of one colour, as a turn by half to 17 degrees leaves it.

    Two wedges lie along the rows and two along the columns, in turn, and all are equally steep. A
    turn that was cropped or filled with something else leaves none. O(width + height) reading.
    """
    pixels = np.asarray(picture.convert("RGB"), dtype=np.int16)
    height, width = pixels.shape[:2]
    if min(height, width) < 32:  # noqa: PLR2004 - a wedge of half a degree is no pixel there
        return False
    ink = pixels[[1, 1, -2, -2], [1, -2, 1, -2]].astype(np.float64)
    if np.abs(ink - ink.mean(axis=0)).max() > _FLAT:
        return False
    colour = ink.mean(axis=0)
    turned = np.swapaxes(pixels, 0, 1)
    for clockwise in (False, True):
        slopes = []
        for number, corner in enumerate(((1, 1), (1, -1), (-1, -1), (-1, 1))):
            along_rows = (number % 2 == 0) != clockwise
            down, across = corner if along_rows else corner[::-1]
            slopes.append(_wedge((pixels if along_rows else turned)[::down, ::across], colour))
        found = np.array(slopes)
        # The rim of a wedge is known to a pixel or two.
        apart = _ALIKE * found.min() + 2 * _PIXELS_OFF / min(height, width)
        if found.min() > 0 and found.max() - found.min() <= apart:
            return True
    return False


def _wedge(pixels: NDArray[np.int16], colour: NDArray[np.float64]) -> float:
    """How steep the wedge in the first corner is that lies along the rows; 0 if there is none."""
    height, width = pixels.shape[:2]
    depth = min(int(_STEEPEST * width) + 2, height)
    blank = np.abs(pixels[:depth] - colour).max(axis=2) <= _RINGING
    # The first pixel of each row that is not blank.
    runs = np.where(blank.all(axis=1), width, np.argmin(blank, axis=1)).astype(np.float64)
    longest = float(runs[:2].max())
    ended = np.flatnonzero(runs <= _PIXELS_OFF)
    if not _SHORTEST * width <= longest < width or ended.size == 0:
        return 0.0
    end = int(ended[0])
    if end < 2:  # noqa: PLR2004 - one row is no wedge
        return 0.0
    # By its area, of which each row but for its half counts: JPEG spoils some rows.
    slope = float(2 * (runs[:end].sum() - longest / 2) / longest**2)
    straight = longest - np.arange(end) / max(slope, 1e-3)
    if not _LEAST_SLOPE <= slope <= _STEEPEST:
        return 0.0
    return slope if np.median(np.abs(runs[:end] - straight)) <= _CROOKED * longest else 0.0

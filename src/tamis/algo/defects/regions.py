"""Where a heat-map is above a threshold: regions, as boxes and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Region", "regions_of"]

_EIGHT = np.ones((3, 3), np.bool_)


class Region(NamedTuple):
    """A connected part of a heat-map above the threshold.

    Attributes:
        box: left, top, width and height in pixels.
        area: pixels.
        peak: the highest value in it.
        mask: `[H, W]` bool, of the whole picture.
    """

    box: tuple[int, int, int, int]
    area: int
    peak: float
    mask: NDArray[np.bool_]


def regions_of(heat: NDArray[np.float32], threshold: float, *, most: int = 20) -> list[Region]:
    """Return the connected parts (8 neighbors) above a threshold, the highest peak first.

    Args:
        heat: `[H, W]` float32.
        threshold: of the heat-map.
        most: how many to return at most.
    """
    labels, count = ndimage.label(heat > threshold, _EIGHT)
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[place] == number
        rows, columns = place
        box = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        found.append((float(heat[place][part].max()), int(part.sum()), box, number))
    found.sort(key=lambda one: (-one[0], -one[1], one[2]))
    return (
        [Region(box, area, peak, labels == number) for peak, area, box, number in found[:most]]
        if count
        else []
    )

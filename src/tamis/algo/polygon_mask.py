"""Outlines as masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis.algo.run_lengths import Mask

__all__ = ["polygon_mask"]


def polygon_mask(rings: Iterable[Sequence[float]], width: int, height: int) -> Mask:
    """Return the mask, `[H, W]` bool, of the pixels whose center lies in any of some rings.

    A ring is x, y, x, y, … in pixels; where it crosses itself, it is inside or outside by turns.
    Time: the area, and the rows that each edge spans.

    >>> polygon_mask([[1, 0, 3, 0, 3, 2, 1, 2]], 4, 2).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    whole = np.zeros((height, width), bool)
    for ring in rings:
        turns = np.zeros((height, width + 1), np.int64)
        points = np.asarray(ring, float).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
            low, high = sorted((np.clip(y0, 0, height), np.clip(y1, 0, height)))
            rows = np.arange(np.ceil(low - 0.5), np.ceil(high - 0.5)).astype(np.int64)
            if len(rows):
                across = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                columns = np.clip(np.ceil(across - 0.5), 0, width).astype(np.int64)
                turns[rows, columns] += 1
        whole |= np.cumsum(turns, axis=1)[:, :width] % 2 == 1
    return whole

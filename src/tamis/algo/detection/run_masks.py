"""Masks as runs of pixels, and how much two of them share.

Source: `maskApi.c` of the COCO API (Dollár, Lin), whose outlines become the same pixels here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["RunMask"]

_FINE: Final = 5.0  # steps a pixel along an outline
_MIDDLE: Final = 2.0  # of the steps of a column, the one before its middle
_AT_ONCE: Final = 256  # outlines, whose numbers fit into a processor's cache


@dataclass(frozen=True, eq=False)
class RunMask:
    """A mask as runs of pixels, column by column.

    Attributes:
        bounds: where runs begin and end, in turn, as flat positions x · height + y; `[2 R]`,
            ascending.
        covered: pixels of the mask before each of these positions, `[2 R]`.
    """

    bounds: NDArray[np.float64]
    covered: NDArray[np.float64]

    @classmethod
    def of_bounds(cls, bounds: NDArray[np.int64]) -> RunMask:
        """Return the mask of runs, given where they begin and end in turn."""
        lengths = np.zeros(len(bounds))
        lengths[1::2] = bounds[1::2] - bounds[::2]
        return cls(bounds.astype(np.float64), np.cumsum(lengths))

    @classmethod
    def of_counts(cls, counts: Sequence[int]) -> RunMask:
        """Return the mask of run lengths, background first."""
        ends = np.cumsum(np.asarray(counts, np.int64))
        bounds = ends[: len(ends) // 2 * 2]
        filled = np.repeat(bounds[1::2] > bounds[::2], 2)
        return cls.of_bounds(bounds[filled])

    @classmethod
    def of_outlines(
        cls, outlines: Sequence[Sequence[Sequence[float]]], sizes: NDArray[np.int64]
    ) -> list[RunMask]:
        """Return the masks of outlines in pictures, each the union of its rings.

        About 25 microseconds an outline.

        Args:
            outlines: of each its rings of x, y, x, y, … in pixels.
            sizes: width and height of the picture of each, `[N, 2]`.
        """
        found: list[RunMask] = []
        for start in range(0, len(outlines), _AT_ONCE):
            part = outlines[start : start + _AT_ONCE]
            counts = [len(rings) for rings in part]
            of_rings = np.repeat(sizes[start : start + len(part)], counts, axis=0)
            every, ends = _ring_bounds([ring for rings in part for ring in rings], of_rings)
            bounds, covered = every.astype(np.float64), _covered(every, ends)
            cuts = [0, *ends.tolist()]
            ring = 0
            for count in counts:
                if count == 1:
                    one = slice(cuts[ring], cuts[ring + 1])
                    found.append(cls(bounds[one], covered[one]))
                else:
                    each = [every[cuts[at] : cuts[at + 1]] for at in range(ring, ring + count)]
                    found.append(cls.of_bounds(_union([one for one in each if len(one)])))
                ring += count
        return found

    @property
    def area(self) -> float:
        """How many pixels it covers."""
        return float(self.covered[-1]) if len(self.covered) else 0.0

    def box(self, height: int) -> tuple[float, float, float, float]:
        """Return left, top, width and height of what it covers; zeros if that is nothing.

        Args:
            height: of the picture.
        """
        if not len(self.bounds):
            return 0.0, 0.0, 0.0, 0.0
        first, last = self.bounds[::2], self.bounds[1::2] - 1
        left, right = first[0] // height, last[-1] // height
        across = (first // height != last // height).any()  # a run that goes on in the next column
        top, bottom = (0, height - 1) if across else ((first % height).min(), (last % height).max())
        return float(left), float(top), float(right - left + 1), float(bottom - top + 1)

    def shared(self, other: RunMask) -> float:
        """Return how many pixels two masks of one picture share. O(R log R) of the shorter."""
        few, many = sorted((self, other), key=lambda mask: len(mask.bounds))
        if not len(few.bounds):
            return 0.0
        before = np.interp(few.bounds, many.bounds, many.covered)
        return float(before[1::2].sum() - before[::2].sum())


def _ring_bounds(
    rings: Sequence[Sequence[float]], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the runs of each ring begin and end in turn, and where each ring's end.

    A ring is followed in steps of a fifth of a pixel; where it crosses the middle of a column, the
    inside begins or ends.
    """
    lengths = np.array([len(ring) // 2 for ring in rings], np.int64)
    if not lengths.sum():
        return np.empty(0, np.int64), np.zeros(len(rings), np.int64)
    numbers = np.fromiter(chain.from_iterable(rings), float, 2 * int(lengths.sum()))
    points = np.trunc(_FINE * numbers.reshape(-1, 2) + 0.5)
    owner = np.repeat(np.arange(len(rings)), lengths)
    ends = np.cumsum(lengths)
    following = np.arange(1, len(points) + 1)
    whole = lengths > 0
    following[ends[whole] - 1] = (ends - lengths)[whole]
    column, step, edge = _crossings(points, points[following], sizes[owner, 0])
    ring = owner[edge]
    height = sizes[ring, 1]
    down = np.ceil(np.clip((step + 0.5) / _FINE - 0.5, 0, height))
    room = int(sizes.prod(axis=1).max()) + 1
    keys = ring * room + (column * height + down).astype(np.int64)
    keys.sort()
    # a column that is crossed twice at one place is not crossed there
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    odd = np.diff(starts, append=len(keys)) % 2 == 1
    found = keys[starts[odd]]
    ends = np.searchsorted(found, np.arange(1, len(rings) + 1) * room)
    count = np.diff(ends, prepend=0)
    found -= np.repeat(np.arange(len(rings)) * room, count)
    if (open_ended := np.flatnonzero(count % 2)).size:  # to the end of the picture
        found = np.insert(found, ends[open_ended], sizes[open_ended].prod(axis=1))
        ends += np.cumsum(count % 2)
    return found, ends


def _covered(bounds: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the pixels before each bound of some masks, one after the other."""
    lengths = np.zeros(len(bounds))
    lengths[1::2] = bounds[1::2] - bounds[::2]
    total = np.cumsum(lengths)
    counts = np.diff(ends, prepend=0)
    before = np.concatenate([[0.0], total])[ends - counts]
    return np.asarray(total - np.repeat(before, counts), np.float64)


def _crossings(
    first: NDArray[np.float64], last: NDArray[np.float64], width: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Find where edges cross the middles of columns, which is between steps 5 k + 2 and 5 k + 3.

    An edge is followed along its longer side; what it is at along the other is rounded at each
    step. Only the steps around a crossing are looked at.

    Args:
        first: where each edge begins, in steps, `[E, 2]`.
        last: where it ends, `[E, 2]`.
        width: of its picture in pixels, `[E]`.

    Returns:
        the column, the upper of both steps down, and the number of the edge of each crossing.
    """
    far = np.abs(last - first)
    flat = far[:, 0] >= far[:, 1]
    rows, along = np.arange(len(first)), np.where(flat, 0, 1)
    # always from the lower end, so that an edge gives the same points either way
    turned = (first[rows, along] > last[rows, along])[:, None]
    start, end = np.where(turned, last, first), np.where(turned, first, last)
    length = np.maximum(far.max(axis=1), 1)
    slope = (end - start)[rows, 1 - along] / length
    ends = np.sort(np.stack([first[:, 0], last[:, 0]]), axis=0)
    low = np.maximum(np.ceil((ends[0] - _MIDDLE) / _FINE), 0)
    high = np.minimum(np.floor((ends[1] - 1 - _MIDDLE) / _FINE), width - 1)
    count = np.maximum(high - low + 1, 0).astype(np.int64)
    edge = np.repeat(rows, count)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    column = low[edge] + place
    left = _FINE * column + _MIDDLE
    down = np.empty(len(edge))
    for of_flat in (True, False):
        at = np.flatnonzero(flat[edge] == of_flat)
        of = edge[at]
        x, y = start[of, 0], start[of, 1]
        down[at] = (_level if of_flat else _step)(x, y, slope[of], left[at])
    return column, down, edge


def _rounded(
    origin: NDArray[np.float64], slope: NDArray[np.float64], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.trunc(origin + slope * step + 0.5), np.float64)


def _level(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: NDArray[np.float64],
    left: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the upper of both steps where flat edges cross."""
    return np.minimum(_rounded(y, slope, left - x), _rounded(y, slope, left - x + 1))


def _step(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: NDArray[np.float64],
    left: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the step before the first on the other side of a column's middle, of steep edges.

    It is within one of what division says.
    """
    step = np.floor((left + 0.5 - x) / slope) - 1
    rising = slope > 0
    for _ in range(3):
        place = _rounded(x, slope, step)
        step += np.where(rising, place <= left, place > left)
    return np.asarray(y + step - 1, np.float64)


def _union(each: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the bounds of what any of several masks covers."""
    if not each:
        return np.empty(0, np.int64)
    places = np.concatenate(each)
    change = np.concatenate([np.where(np.arange(len(one)) % 2, -1, 1) for one in each])
    found, at = np.unique(places, return_inverse=True)
    depth = np.cumsum(np.bincount(at, change, len(found)).astype(np.int64))
    covered = depth > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], covered])))
    return found[edges]

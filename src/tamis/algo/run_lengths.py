"""Masks as run lengths, column by column, in the text form of COCO.

Source: `maskApi.c` of the COCO API (Dollár, Lin); counts alternate between background and object,
and each from the third on is written as its difference from the one two before.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Mask",
    "box_of_counts",
    "counts_of",
    "mask_of",
    "read_counts",
    "sampled",
    "write_counts",
]

Mask: TypeAlias = NDArray[np.bool_]

_BITS, _SIGN, _MORE, _FIRST = 5, 0x10, 0x20, 48
_LONGEST = 13  # characters of one number; more would be no length of a picture


def write_counts(counts: Sequence[int]) -> str:
    """Return run lengths as text.

    >>> write_counts([6, 1, 40, 4])
    '61X13'
    """
    written = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count  # noqa: PLR2004
        while True:
            low = value & 0x1F
            value >>= _BITS
            more = value != (-1 if low & _SIGN else 0)
            written.append(chr((low | (_MORE if more else 0)) + _FIRST))
            if not more:
                break
    return "".join(written)


def read_counts(text: str) -> list[int]:
    """Return the run lengths that a text means.

    Raises:
        ValueError: it is no such text.

    >>> read_counts("61X13")
    [6, 1, 40, 4]
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        part = ord(letter) - _FIRST
        if not 0 <= part < 1 << (_BITS + 1) or shift > _BITS * _LONGEST:
            raise ValueError(f"{text[:20]!r} is no run-length code")
        value |= (part & 0x1F) << shift
        shift += _BITS
        if part & _MORE:
            continue
        if part & _SIGN:
            value -= 1 << shift
        count = value + (counts[-2] if len(counts) > 2 else 0)  # noqa: PLR2004
        if count < 0:
            raise ValueError(f"{text[:20]!r} has a run of {count} pixels")
        counts.append(count)
        value = shift = 0
    if shift:
        raise ValueError(f"{text[:20]!r} breaks off")
    return counts


def counts_of(mask: Mask) -> list[int]:
    """Return the run lengths of a mask, `[H, W]` bool, background first."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = [0, *edges.tolist(), flat.size]
    lengths = [after - before for before, after in pairwise(bounds)]
    return [0, *lengths] if flat.size and flat[0] else lengths


def mask_of(counts: Sequence[int], width: int, height: int) -> Mask:
    """Return the mask, `[H, W]` bool, of run lengths.

    Raises:
        ValueError: they do not fill a picture of that size.
    """
    if sum(counts) != width * height or min(counts, default=0) < 0:
        raise ValueError(f"its runs cover {sum(counts)} pixels of {width} x {height}")
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(height, width, order="F")


def box_of_counts(counts: Sequence[int], height: int) -> tuple[int, int, int, int] | None:
    """Return left, top, width and height of what run lengths cover; None if that is nothing.

    >>> box_of_counts([6, 2, 8, 2, 2], 10)  # rows 6 and 7 of the first two columns
    (0, 6, 2, 2)
    """
    ends = np.cumsum(counts)
    runs = [(ends[at - 1], ends[at] - 1) for at in range(1, len(counts), 2) if counts[at]]
    if not runs:
        return None
    first, last = (np.array(side) for side in zip(*runs, strict=True))
    left, right = int(first[0] // height), int(last[-1] // height)
    across = first // height != last // height  # a run that goes on in the next column is whole
    top = 0 if across.any() else int((first % height).min())
    bottom = height - 1 if across.any() else int((last % height).max())
    return left, top, right - left + 1, bottom - top + 1


def sampled(
    counts: Sequence[int], height: int, box: tuple[float, float, float, float], cells: int
) -> Mask:
    """Return a coarse view of a mask, `[cells, cells]` bool: the pixel in the middle of each cell.

    Costs time by the number of cells, not by the size of the mask.

    Args:
        counts: run lengths.
        height: of the picture.
        box: left, top, width and height of the part that is divided into cells.
        cells: along each side.

    >>> sampled([6, 2, 8, 2, 2], 10, (0, 5, 2, 4), 2).tolist()  # rows 6 and 7 of two columns
    [[True, True], [False, False]]
    """
    middle = (np.arange(cells) + 0.5) / cells
    columns = np.floor(box[0] + middle * box[2]).astype(np.int64)
    rows = np.clip(np.floor(box[1] + middle * box[3]).astype(np.int64), 0, height - 1)
    places = columns[None, :] * height + rows[:, None]
    inside: Mask = np.searchsorted(np.cumsum(counts), places, side="right") % 2 == 1
    return inside

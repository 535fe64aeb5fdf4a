"""Boxes of many masks, and what pairs of them share, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.detection.run_masks import RunMask

__all__ = ["boxes_of_masks", "shared_pixels"]

Masks: TypeAlias = "Sequence[RunMask] | NDArray[Any]"

_BOUNDS_AT_ONCE: Final = 1 << 18


def boxes_of_masks(masks: Masks, heights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return left, top, width and height of what masks cover, zeros of those of nothing, `[N, 4]`.

    Args:
        masks: the masks.
        heights: of their pictures, `[N]`.
    """
    found = np.zeros((len(masks), 4))
    some = np.array([at for at, mask in enumerate(masks) if len(mask.bounds)], np.int64)
    if not len(some):
        return found
    runs = np.array([len(masks[at].bounds) // 2 for at in some])
    bounds = np.concatenate([masks[at].bounds for at in some])
    start = np.cumsum(runs) - runs
    tall = heights[some].astype(np.float64)
    height = np.repeat(tall, runs)
    first, last = bounds[::2], bounds[1::2] - 1
    begin, end = np.floor(first / height), np.floor(last / height)  # exact, and fast, below 2^52
    left, right = begin[start], end[start + runs - 1]
    across = np.logical_or.reduceat(begin != end, start)  # a run goes on in the next column
    top = np.minimum.reduceat(first - begin * height, start)
    bottom = np.maximum.reduceat(last - end * height, start)
    top, bottom = np.where(across, 0, top), np.where(across, tall - 1, bottom)
    found[some] = np.stack([left, top, right - left + 1, bottom - top + 1], axis=1)
    return found


def shared_pixels(
    one: Masks,
    other: Masks,
    p: NDArray[np.int64],
    t: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how many pixels pairs of masks share, `[n]`; both of a pair are of one picture.

    O(R log R) for R runs, in bounded pieces.

    Args:
        one: masks.
        other: masks.
        p: rows of `one`, `[n]`.
        t: rows of `other`, `[n]`.
    """
    found = np.zeros(len(p))
    there, beside = ([len(mask.bounds) > 0 for mask in side] for side in (one, other))
    some = np.flatnonzero(np.array(there, bool)[p] & np.array(beside, bool)[t])
    order = some[np.argsort(t[some], kind="stable")]
    counts = np.array([len(one[at].bounds) for at in p[order].tolist()], np.int64)
    piece = np.cumsum(counts) // _BOUNDS_AT_ONCE
    for rows, each in _pieces(order, counts, piece):
        found[rows] = _shared(one, other, p[rows], t[rows], each)
    return found


def _pieces(
    order: NDArray[np.int64], counts: NDArray[np.int64], piece: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    cuts = np.flatnonzero(np.diff(piece)) + 1
    parts = zip(np.split(order, cuts), np.split(counts, cuts), strict=True)
    return [(rows, each) for rows, each in parts if len(rows)]


def _shared(
    one: Masks,
    other: Masks,
    p: NDArray[np.int64],
    t: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return what pairs share, `t` ascending: the masks of one side are laid end to end.

    Where a run of the one side begins and ends, the pixels that the other has before are read off;
    each mask of the other begins with none and ends with all of its pixels.
    """
    meant, place = np.unique(t, return_inverse=True)
    many = [other[at] for at in meant.tolist()]
    ends = np.array([mask.bounds[-1] for mask in many])
    bounds = np.concatenate([one[at].bounds for at in p.tolist()])
    room = max(float(ends.max()), float(bounds.max())) + 2
    places = np.concatenate(
        [part for at, mask in enumerate(many)
         for part in ([at * room], mask.bounds + (at * room + 1), [(at + 1) * room])]
    )  # fmt: skip
    covered = np.concatenate([part for mask in many for part in ([0.0], mask.covered, [mask.area])])
    before = np.interp(bounds + np.repeat(place * room + 1, counts), places, covered)
    before[::2] *= -1
    return np.asarray(np.add.reduceat(before, np.cumsum(counts) - counts), np.float64)

"""Blocks of time that stay in one split, and time gaps between splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

    Seconds = NDArray[np.float64]

__all__ = ["inside_gap", "time_blocks", "torn_moments"]


def time_blocks(sources: Indices, seconds: Seconds, length: float) -> Indices:
    """Return the block of each row: rows of one source within one interval of `length` seconds.

    Intervals start at multiples of `length`, so rows added later never move a boundary.
    O(N log N).

    Args:
        sources: `[N]` int64, the video or camera of each row.
        seconds: `[N]` float64 times; NaN if unknown.
        length: length of a block in seconds, above 0.

    Returns:
        `[N]` int64 block numbers, ordered by source and time; -1 if the time is unknown.

    Raises:
        UsageError: the length is not above 0.

    Example:
        >>> time_blocks(np.array([0, 0, 0, 1]), np.array([3.0, 59.0, 60.0, 3.0]), 60).tolist()
        [0, 0, 1, 2]
    """
    if not 0 < length < np.inf:
        raise UsageError(f"a block of time must last longer than 0 s, not {length:g} s")
    known = np.flatnonzero(np.isfinite(seconds))
    blocks = np.full(len(seconds), -1, np.int64)
    at = np.stack([np.asarray(sources)[known].astype(np.float64), seconds[known] // length])
    blocks[known] = np.unique(at, axis=1, return_inverse=True)[1].reshape(-1)
    return blocks


def inside_gap(
    sources: Indices, seconds: Seconds, split: Indices, gap: float, shares: Sequence[float]
) -> NDArray[np.bool_]:
    """Choose the rows to leave out so that no two splits are closer in time than `gap`.

    Afterwards any two rows of one source in different splits are at least `gap` seconds apart. A
    row is left out only if a kept row of another split is too close. The smallest splits lose
    nothing, so the loss falls on the largest, which can afford it; between splits of equal share
    the later row is left out. O(N log N) per source.

    Args:
        sources: `[N]` int64, the video or camera of each row.
        seconds: `[N]` float64 times; rows of unknown time (NaN) are never left out.
        split: `[N]` int64 split of each row.
        gap: seconds, 0 or more.
        shares: the share of each split.

    Returns:
        `[N]` bool, which rows should get no split.

    Raises:
        UsageError: the gap is negative or NaN.

    Example:
        >>> seconds, split = np.array([0.0, 10.0, 11.0, 30.0]), np.array([0, 0, 1, 1])
        >>> inside_gap(np.zeros(4, int), seconds, split, 5, [0.8, 0.2]).tolist()
        [False, True, False, False]
    """
    if not 0 <= gap < np.inf:
        raise UsageError(f"the gap must be 0 s or more, not {gap:g} s")
    left_out = np.zeros(len(seconds), np.bool_)
    ranks = np.unique(np.asarray(shares, np.float64), return_inverse=True)[1].reshape(-1)
    for rows in _by_source(sources, seconds):
        placed, times = split[rows], seconds[rows]
        kept = np.zeros(rows.size, np.bool_)
        for rank in range(int(ranks.max(initial=-1)) + 1):
            mine = np.flatnonzero(ranks[placed] == rank)
            mine = mine[~_near(times[mine], times[kept], gap)]
            kept[mine[_first_come(placed[mine], times[mine], gap)]] = True
        left_out[rows[~kept]] = True
    return left_out


def torn_moments(
    sources: Indices, seconds: Seconds, split: Indices, gap: float
) -> tuple[Indices, Indices]:
    """Return pairs of consecutive rows in different splits that are closer than `gap` seconds.

    The rows of each source are sorted by time and each is compared with the next. After
    `inside_gap` there are none. O(N log N).

    Returns:
        `[P]` the earlier rows and `[P]` the later ones.

    Example:
        >>> seconds, split = np.array([0.0, 10.0, 11.0, 30.0]), np.array([0, 0, 1, 0])
        >>> [rows.tolist() for rows in torn_moments(np.zeros(4, int), seconds, split, 5)]
        [[1], [2]]
    """
    earlier, later = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows in _by_source(sources, seconds):
        torn = (np.diff(split[rows]) != 0) & (np.diff(seconds[rows]) < gap)
        earlier.append(rows[:-1][torn])
        later.append(rows[1:][torn])
    return np.concatenate(earlier), np.concatenate(later)


def _by_source(sources: Indices, seconds: Seconds) -> list[Indices]:
    """Return the rows of each source sorted by time, without those of unknown time."""
    rows = np.flatnonzero(np.isfinite(seconds))
    rows = rows[np.lexsort((seconds[rows], sources[rows]))]
    parts = np.split(rows, np.flatnonzero(np.diff(sources[rows])) + 1)
    return [part for part in parts if part.size]


def _near(times: Seconds, others: Seconds, gap: float) -> NDArray[np.bool_]:
    """Return which times are closer than `gap` to one of `others`; both are sorted."""
    bounded = np.concatenate([[-np.inf], others, [np.inf]])
    after = np.searchsorted(bounded, times)
    near: NDArray[np.bool_] = np.minimum(bounded[after] - times, times - bounded[after - 1]) < gap
    return near


def _first_come(split: Indices, times: Seconds, gap: float) -> NDArray[np.bool_]:
    """Return which rows stay if each that is too close to an earlier one of another split goes."""
    stays = np.ones(times.size, np.bool_)
    last: dict[int, float] = {}
    for at, (name, time) in enumerate(zip(split.tolist(), times.tolist(), strict=True)):
        if any(time - before < gap for other, before in last.items() if other != name):
            stays[at] = False
        else:
            last[name] = time
    return stays

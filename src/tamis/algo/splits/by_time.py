"""Splits by time: the earliest rows first, groups whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.splits.grouped import split_targets
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import Indices

__all__ = ["TimeSplit", "split_by_time"]


@dataclass(frozen=True)
class TimeSplit:
    """Rows split by time.

    Attributes:
        split: `[N]` int64 split numbers, in order of time.
        ends: for each split, its latest row.
        straddling: number of groups that span a cut and are placed on its later side.
        early: number of their rows that are earlier than the latest row of an earlier split.
    """

    split: Indices
    ends: list[int]
    straddling: int
    early: int


def split_by_time(groups: Indices, times: Indices, fractions: Sequence[float]) -> TimeSplit:
    """Put the earliest groups into the first split, the latest into the last.

    A group is placed by its latest row, so one that spans a cut is wholly on the later side:
    nothing in a split is later than its cut, and no model is trained on the future. Rows of equal
    time are never separated, and each cut is where the sizes come closest to their
    targets. O(N log N) time, O(N) memory.

    Args:
        groups: `[N]` group of each row, 0 or more.
        times: `[N]` integer times, or ranks in time; equal numbers are the same time.
        fractions: the share of each split, in (0, 1], summing to 1, earliest first.

    Raises:
        UsageError: fractions are invalid, lengths differ, or groups have fewer distinct latest
            times than there are splits.

    Example:
        >>> groups, times = np.array([0, 0, 1, 2, 2]), np.array([10, 11, 12, 10, 13])
        >>> split_by_time(groups, times, [0.6, 0.4]).split.tolist()
        [0, 0, 0, 1, 1]
    """
    if len(groups) != len(times):
        raise UsageError(f"{len(groups)} groups but {len(times)} times: give each row its time")
    targets = split_targets(len(groups), fractions)
    _, group = np.unique(groups, return_inverse=True)
    latest = np.full(group.max(initial=-1) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, group, times)
    moments, sizes = np.unique(latest[group], return_counts=True)
    k = len(targets)
    if moments.size < k:
        raise UsageError(
            f"the groups end at {moments.size} different times, too few for {k} splits by time: "
            "ask for fewer splits, or group more finely"
        )
    upto = np.cumsum(sizes)
    cuts: list[int] = []
    for number, target in enumerate(np.cumsum(targets)[:-1].tolist()):
        # Each split before and after a cut keeps at least one moment.
        low, high = (cuts[-1] + 1 if cuts else 0), moments.size - (k - 1 - number)
        cuts.append(low + int(np.argmin(np.abs(upto[low:high] - target))))
    split = np.searchsorted(moments[cuts], latest[group]).astype(np.int64)
    ends = [int(np.argmax(np.where(split == s, times, np.iinfo(np.int64).min))) for s in range(k)]
    before = np.append(np.iinfo(np.int64).min, times[ends][:-1])
    early = times <= before[split]
    return TimeSplit(split, ends, int(np.unique(group[early]).size), int(early.sum()))

"""Groups of near-duplicates among the labels given: one label each, or a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Conflict", "find_conflicts", "spread_in_groups"]


@dataclass(frozen=True)
class Conflict:
    """A group of near-duplicates that was given several labels.

    Attributes:
        group: its number.
        rows: the rows of it that have labels, ascending.
        classes: their classes.
    """

    group: int
    rows: Indices
    classes: Indices


def find_conflicts(
    groups: Indices, rows: Indices, classes: Indices
) -> tuple[tuple[Conflict, ...], NDArray[np.bool_]]:
    """Return the groups with several labels, by number, and which labels lie in none. O(S log S).

    Args:
        groups: `[N]` group of each row.
        rows: `[S]` rows that have labels.
        classes: `[S]` their classes.

    Example:
        >>> found, sound = find_conflicts(
        ...     np.array([5, 5, 7]), np.array([0, 1, 2]), np.array([0, 1, 1])
        ... )
        >>> found[0].group, found[0].rows.tolist(), sound.tolist()
        (5, [0, 1], [False, False, True])
    """
    names, place = np.unique(groups[rows], return_inverse=True)
    low = np.full(names.size, np.iinfo(np.int64).max)
    high = np.full(names.size, -1)
    np.minimum.at(low, place, classes)
    np.maximum.at(high, place, classes)
    torn = low < high
    conflicts = []
    for number in np.flatnonzero(torn).tolist():
        inside = np.flatnonzero(place == number)
        inside = inside[np.argsort(rows[inside], kind="stable")]
        conflicts.append(Conflict(int(names[number]), rows[inside], classes[inside]))
    return tuple(conflicts), ~torn[place]


def spread_in_groups(
    probabilities: NDArray[np.float64], groups: Indices, rows: Indices, classes: Indices
) -> NDArray[np.float64]:
    """Give every row of a group the mean of its probabilities, or the label that it was given.

    O(N K) time and memory.

    Args:
        probabilities: `[N, K]`.
        groups: `[N]`.
        rows: `[S]` rows whose labels are known, all alike within a group.
        classes: `[S]` their classes.
    """
    names, place = np.unique(groups, return_inverse=True)
    sums = np.zeros((names.size, probabilities.shape[1]))
    np.add.at(sums, place, probabilities)
    sums /= np.bincount(place)[:, None]
    known = place[rows]
    sums[known] = 0.0
    sums[known, classes] = 1.0
    spread: NDArray[np.float64] = sums[place]
    return spread

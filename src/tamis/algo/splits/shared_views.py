"""Whether changed versions of one view are rare enough that a split must keep them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from tamis.types import Indices

__all__ = ["MOST_PAIRS", "divisible", "joined_share", "shared_views"]

MOST_PAIRS = 0.05
"""Pairs of one view are rare up to this share of all pairs of rows, which corresponds to one view
with two ninths of all rows, or to 20 views with a twentieth each."""

_MOST_A_ROW = 2


def joined_share(groups: Indices, within: Indices | None = None) -> float:
    """Return the share of all pairs of rows that are in the same group; 0 for fewer than two rows.

    Args:
        groups: `[N]` group of each row, 0 or more.
        within: `[N]` finer groups whose pairs do not count.

    Example:
        >>> joined_share(np.array([0, 0, 0, 1]))
        0.5
        >>> round(joined_share(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])), 3)
        0.333
    """
    n = len(groups)
    if n < 2:  # noqa: PLR2004 - a pair
        return 0.0
    pairs = _pairs_inside(groups) - (0 if within is None else _pairs_inside(within))
    return pairs / (n * (n - 1) / 2)


def divisible(groups: Indices, targets: Indices) -> bool:
    """Return whether the largest group leaves the other splits at least half of their targets.

    Args:
        groups: `[N]` group of each row, 0 or more.
        targets: `[S]` rows that each split should get, summing to N.

    Example:
        >>> divisible(np.array([0, 0, 0, 0, 1]), np.array([3, 2]))
        True
        >>> divisible(np.array([0, 0, 0, 0, 0]), np.array([3, 2]))
        False
    """
    largest = int(np.bincount(groups).max(initial=0))
    room = int(targets.max(initial=0))
    return largest - room <= (len(groups) - room) / 2


def shared_views(
    copies: Indices, changed: Indices, targets: Indices, *, random_share: float = 0.0
) -> Literal["no", "common", "one group"]:
    """Decide whether shared views are so common that changed versions do not count as leaks.

    If changed versions of one view are rare (bursts, retakes, captions), one of them in training
    gives away its twin in test, so a split has to keep them together. If a fixed camera or a
    template makes every row a changed version of many others, that is the nature of the data, and
    keeping them together would leave nothing to divide.

    They are rare if they make up at most a twentieth of all pairs of rows, or two pairs per row,
    both within the groups and among random pairs, and if the groups can be divided. O(N) time.

    Args:
        copies: `[N]` groups that stay whole in any case: copies, and the user's groups.
        changed: `[N]` the same groups with changed versions joined.
        targets: `[S]` rows that each split should get, summing to N.
        random_share: share of random pairs of rows that show one view, without copies.

    Returns:
        `no` if they are rare; `common` if they are not; `one group` if they are rare in number but
        form a group too large for any split, although the copies alone do not.

    Example:
        >>> targets = np.array([80, 20])
        >>> shared_views(np.arange(100), np.arange(100) // 4, targets)
        'no'
        >>> shared_views(np.arange(100), np.arange(100) // 50, targets)
        'common'
    """
    n = len(copies)
    most = max(MOST_PAIRS, _MOST_A_ROW / max(n - 1, 1))
    if max(joined_share(changed, copies), random_share) > most:
        return "common"
    if divisible(copies, targets) and not divisible(changed, targets):
        return "one group"
    return "no"


def _pairs_inside(groups: Indices) -> int:
    sizes = np.bincount(groups).astype(object)  # exact beyond 64 bits
    return int((sizes * (sizes - 1) // 2).sum()) if sizes.size else 0

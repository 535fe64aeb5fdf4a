"""Places scored by the other pictures of a batch, where none is known to be nominal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["mutual_distances"]

_SHARE: Final = 0.3
_AT_ONCE: Final = 1024


def mutual_distances(
    places: Vectors, patches: Vectors, owner: Indices, own: int
) -> NDArray[np.float32]:
    """Return how far each place is from what the other pictures show.

    To each other picture it is the cosine distance to the nearest of its patches; the mean is
    of the least 30 % of pictures, so that a place that some pictures share is near, and one that
    hardly any has is far (Li et al. 2024, MuSc, interval average). O(N P D).

    Args:
        places: `[N, D]` float32 unit vectors of one picture.
        patches: `[P, D]` float32 unit vectors of all pictures.
        owner: `[P]` of which picture each patch is, ascending.
        own: the number of the picture itself, which is left out.

    Returns:
        `[N]` float32; 0 where there is no other picture.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> mutual_distances(rows[:2], rows[[0, 1, 0, 2]], np.array([0, 0, 1, 2]), 0).tolist()
    [0.0, 1.0]
    """
    others = owner != own
    kept, names = patches[others], owner[others]
    if not len(kept):
        return np.zeros(len(places), np.float32)
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    nearest = max(1, round(_SHARE * len(starts)))
    found = np.empty(len(places), np.float32)
    for begin in range(0, len(places), _AT_ONCE):
        part = places[begin : begin + _AT_ONCE]
        distances = 1.0 - np.maximum.reduceat(part @ kept.T, starts, axis=1)
        least = np.partition(distances, nearest - 1, axis=1)[:, :nearest]
        found[begin : begin + len(part)] = least.mean(axis=1)
    return np.maximum(found, np.float32(0))

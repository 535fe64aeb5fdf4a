"""Seeding by squared distance (k-means++): random, with distant rows more likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices

__all__ = ["seed_by_distance"]


def seed_by_distance(
    squared_to: Callable[[int], NDArray[np.float32]],
    nearest: NDArray[np.float64],
    n: int,
    *,
    closed: NDArray[np.bool_],
    first: int | None = None,
    allowance: Allowance,
    rng: np.random.Generator,
) -> tuple[Indices, NDArray[np.float64]]:
    """Draw places one by one, with probability proportional to the squared distance to the rest.

    If all distances are 0, all places are equally likely (Arthur and Vassilvitskii 2007). O(n C).

    Args:
        squared_to: returns the squared distances of all places to a given one, `[C]`.
        nearest: `[C]` squared distance to what was drawn before, or a constant; overwritten.
        n: how many to draw.
        closed: `[C]` bool, places that may not be drawn; overwritten.
        first: the first place, instead of drawing it.
        allowance: says which groups of places are open, and is told of each drawn place.
        rng: draws.

    Returns:
        Places, and their squared distances to what was drawn before them.
    """
    everything = np.arange(closed.size)
    closed |= ~allowance.permits(everything)
    places: list[int] = []
    gains: list[float] = []
    while len(places) < n and not closed.all():
        if first is not None and not places and not closed[first]:
            place = first
        else:
            chance = np.where(closed, 0.0, np.maximum(nearest, 0.0))
            if chance.sum() <= 0:
                chance = (~closed).astype(np.float64)
            bounds = np.cumsum(chance)
            place = int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))
            # Rounding in the sum must not select beyond the last row that may be drawn.
            place = min(place, int(np.flatnonzero(chance)[-1]))
        places.append(place)
        gains.append(float(max(nearest[place], 0.0)))
        np.minimum(nearest, squared_to(place), out=nearest)
        closed[place] = True
        if allowance.take(place):
            closed |= ~allowance.permits(everything)
    return np.array(places, dtype=np.int64), np.array(gains, dtype=np.float64)

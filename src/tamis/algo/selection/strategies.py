"""The strategies by name.

What a pick's score is: `random` 0; `facility-location` what it added to the mean similarity of all
rows to their nearest pick; `k-center` its cosine distance to everything picked before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from tamis.algo.facility_location import facility_location
from tamis.algo.k_center import k_center
from tamis.algo.selection.pool import Pool, Stage, take_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BY_NAME", "STRATEGIES", "Strategy"]

Strategy = Literal["default", "random", "facility-location", "k-center"]
"""`default`: facility location, then k-center for the diverse share."""

STRATEGIES: tuple[str, ...] = get_args(Strategy)


def _random(pool: Pool, n: int) -> Stage:
    taken = take_in_order(pool, pool.rng.permutation(pool.candidates), n)
    return Stage(taken, np.zeros(taken.size))


def _facility_location(pool: Pool, n: int) -> Stage:
    picks = facility_location(
        pool.X,
        n,
        candidates=pool.candidates,
        chosen=pool.chosen,
        allowance=pool.allowance,
        rng=pool.rng,
    )
    return Stage(picks.indices, picks.gains / max(1, pool.X.shape[0]))


def _k_center(pool: Pool, n: int) -> Stage:
    picks = k_center(
        pool.X, n, candidates=pool.candidates, chosen=pool.chosen, allowance=pool.allowance
    )
    return Stage(picks.indices, picks.gains)


BY_NAME: Mapping[str, Callable[[Pool, int], Stage]] = {
    "random": _random,
    "facility-location": _facility_location,
    "k-center": _k_center,
}

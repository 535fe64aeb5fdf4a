"""The strategies by name.

The score of a pick depends on the strategy. `random`: 0. `facility-location`: what it added to the
mean similarity of all rows to their nearest pick; likewise `max-herding`, `uncertainty-herding` and
`prob-cover` with their own kernels and weights. `k-center`: its cosine distance to the nearest
earlier pick. Others: see their functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.facility_location import facility_location
from tamis.algo.k_center import k_center
from tamis.algo.selection.badge import badge
from tamis.algo.selection.centres import k_means
from tamis.algo.selection.covering import prob_cover
from tamis.algo.selection.determinantal import determinantal
from tamis.algo.selection.herding import max_herding, uncertainty_herding
from tamis.algo.selection.hierarchical import hierarchical_k_means
from tamis.algo.selection.pool import Pool, Stage, take_in_order
from tamis.algo.selection.typicality import typicality
from tamis.algo.selection.uncertainty import entropy, margin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BY_NAME", "NEED_PROBABILITIES"]


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
    return Stage(picks.indices, picks.gains / max(1, pool.X.shape[0]), parts=picks.parts)


def _k_center(pool: Pool, n: int) -> Stage:
    picks = k_center(
        pool.X, n, candidates=pool.candidates, chosen=pool.chosen, allowance=pool.allowance
    )
    return Stage(picks.indices, picks.gains)


NEED_PROBABILITIES = frozenset({"uncertainty-herding", "entropy", "margin", "badge"})

BY_NAME: Mapping[str, Callable[[Pool, int], Stage]] = {
    "random": _random,
    "k-means": k_means,
    "facility-location": _facility_location,
    "k-center": _k_center,
    "typicality": typicality,
    "prob-cover": prob_cover,
    "max-herding": max_herding,
    "uncertainty-herding": uncertainty_herding,
    "dpp": determinantal,
    "entropy": entropy,
    "margin": margin,
    "badge": badge,
    "hierarchical-k-means": hierarchical_k_means,
}

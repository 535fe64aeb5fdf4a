"""BADGE: rows with large and diverse gradients."""

from __future__ import annotations

import numpy as np

from tamis.algo.selection.seeding import seed_by_distance
from tamis.algo.selection.strategy import Pool, Stage, Strategy

__all__ = ["badge"]

_BLOCK = 256


def badge(pool: Pool, n: int) -> Stage:
    """Pick by k-means++ on the gradients of a linear classifier's last layer (Ash et al. 2020).

    The gradient of a row, with its most likely class taken as the label, is the outer product of
    its vector and `p - onehot(argmax p)`. It is never formed: the inner product of two gradients is
    the product of the factors' inner products. The longest gradient is picked first; chosen rows
    count as drawn. Scores are distances to the nearest earlier pick, or the length for the first.
    O((n + L) N (D + K)) time, O(N K) memory.
    """
    likely = pool.needs_probabilities("badge")
    if pool.candidates.size == 0:
        return Stage(pool.candidates, np.empty(0))
    errors = likely.copy()
    errors[np.arange(errors.shape[0]), likely.argmax(axis=1)] -= 1.0
    vectors = pool.X
    length = np.einsum("nk,nk->n", errors, errors).astype(np.float64)
    nearest = np.full(length.size, np.inf)
    first = None
    if pool.chosen.size == 0:
        may = pool.is_candidate() & pool.allowance.permits(np.arange(length.size))
        first = int(np.argmax(np.where(may, length, -np.inf)))
    for begin in range(0, pool.chosen.size, _BLOCK):
        block = pool.chosen[begin : begin + _BLOCK]
        inner = (vectors @ pool.X[block].T) * (errors @ errors[block].T)
        own = np.einsum("nk,nk->n", errors[block], errors[block])
        np.minimum(nearest, length + (own - 2.0 * inner).min(axis=1), out=nearest)
    places, squared = seed_by_distance(
        lambda place: (
            length + (length[place] - 2.0 * (vectors @ vectors[place]) * (errors @ errors[place]))
        ),
        nearest,
        n,
        closed=~pool.is_candidate(),
        first=first,
        allowance=pool.allowance,
        rng=pool.rng,
    )
    if first is not None:
        squared[:1] = length[first]
    return Stage(places, np.sqrt(squared))


STRATEGY = Strategy(
    badge,
    reason=lambda pick: (
        f"would change the model in a way of its own, torn between {pick.likeliest}"
    ),
    names_outliers=True,
)

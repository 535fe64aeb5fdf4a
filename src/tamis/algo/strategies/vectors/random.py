"""Random rows: what every other strategy is compared with."""

from __future__ import annotations

import numpy as np

from tamis.algo.selection.strategy import Pool, Stage, Strategy, take_in_order

__all__ = ["STRATEGY"]


def _random(pool: Pool, n: int) -> Stage:
    taken = take_in_order(pool, pool.rng.permutation(pool.candidates), n)
    return Stage(taken, np.zeros(taken.size))


STRATEGY = Strategy(_random, reason=lambda _: "picked at random")

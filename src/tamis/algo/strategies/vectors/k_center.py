"""Greedy k-center: each pick is the row farthest from all picks so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.greedy import GreedyPicks
from tamis.algo.selection.strategy import Pool, Stage, Strategy
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices

__all__ = ["k_center"]


def k_center(
    X: NDArray[Any],
    n: int,
    *,
    candidates: Indices | None = None,
    chosen: Indices | None = None,
    allowance: Allowance | None = None,
) -> GreedyPicks:
    """Pick `n` rows, each the candidate least similar to everything picked before.

    If all rows are candidates, the largest distance of a row to its nearest pick is at most twice
    the optimum, by Euclidean distance or angle (Gonzalez 1985). It picks the edges of the data,
    outliers first. Without `chosen` rows the first pick is the row nearest to the mean. Ties go to
    the lower row. O(nND) time, O(N) memory.

    Args:
        X: `[N, D]` unit vectors.
        n: how many to pick; all candidates if there are fewer.
        candidates: `[C]` rows that may be picked; all by default.
        chosen: `[L]` rows picked before, which are not picked again.
        allowance: says which groups are open, and is told of each picked row.

    Returns:
        The picks; a gain is the cosine distance to the nearest row picked before. If nothing was
        picked before the first, its gain is 2, the largest possible cosine distance.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or `n` is negative.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, -1]])
        >>> k_center(X, 2).indices
        array([0, 3])
    """
    vectors = unit_vectors(X)
    if n < 0:
        raise UsageError(f"the number of rows to pick must be 0 or more, not {n}")
    rows = np.arange(vectors.shape[0])
    chosen = rows[:0] if chosen is None else chosen
    candidates = np.setdiff1d(rows if candidates is None else candidates, chosen)
    if 2 * candidates.size > rows.size:
        # Most rows are candidates: use X without a copy, and keep the others closed.
        numbers, pool = rows, vectors
        closed = np.ones(rows.size, dtype=np.bool_)
        closed[candidates] = False
    else:
        numbers, pool = candidates, vectors[candidates]
        closed = np.zeros(candidates.size, dtype=np.bool_)
    nearest = np.full(numbers.size, -1.0, dtype=np.float32)
    if chosen.size and numbers.size:
        nearest = exact_search(pool, vectors[chosen], 1)[1][:, 0].copy()
    mean = (~closed).astype(np.float32) @ pool
    if allowance is not None:
        closed |= ~allowance.permits(numbers)
    picks: list[int] = []
    gains: list[float] = []
    while len(picks) < n and not closed.all():
        if picks or chosen.size:
            nearest[closed] = np.inf
            place = int(np.argmin(nearest))
        else:
            # BLAS kernels for small products may read unused lanes and raise a flag for them.
            with np.errstate(invalid="ignore"):
                alike = pool @ mean
            place = int(np.argmax(np.where(closed, -np.inf, alike)))
        picks.append(place)
        gains.append(max(0.0, 1.0 - float(nearest[place])))
        np.maximum(nearest, pool @ pool[place], out=nearest)
        closed[place] = True
        if allowance is not None and allowance.take(int(numbers[place])):
            closed |= ~allowance.permits(numbers)
    return GreedyPicks(numbers[picks].astype(np.int64), np.array(gains, dtype=np.float64))


def _k_center(pool: Pool, n: int) -> Stage:
    picks = k_center(
        pool.X, n, candidates=pool.candidates, chosen=pool.chosen, allowance=pool.allowance
    )
    return Stage(picks.indices, picks.gains)


STRATEGY = Strategy(
    _k_center,
    reason=lambda pick: f"farthest from all picked before it, cosine distance {pick.score:.3f}",
    names_outliers=True,
)

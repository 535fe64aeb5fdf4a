"""Greedy algorithms that recompute few gains: lazy and stochastic."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.greedy.represented import Similarities
    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["GreedyPicks", "lazy_greedy", "stochastic_greedy"]


@dataclass(frozen=True)
class GreedyPicks:
    """Rows in the order in which a greedy algorithm picked them.

    Attributes:
        indices: `[n]` int64 row numbers, no row twice.
        gains: `[n]` float64, what each pick added to the objective.
        parts: number of random parts that the rows were divided into.
    """

    indices: Indices
    gains: NDArray[np.float64]
    parts: int = 1


def lazy_greedy(
    source: Similarities,
    covered: Vectors,
    candidates: Indices,
    n: int,
    allowance: Allowance | None = None,
) -> GreedyPicks:
    """Repeatedly pick the candidate with the largest gain; ties go to the lower place.

    Gains can only fall, so an old gain is an upper bound and few are recomputed (Minoux 1978).

    Args:
        source: what each candidate represents.
        covered: `[R]` float32, how well each row is represented already; overwritten.
        candidates: `[C]` row numbers of the candidates.
        n: how many to pick.
        allowance: says which groups are open, and is told of each picked row.
    """
    # Each entry: negative gain, place, and the number of picks when the gain was computed.
    queue = [(-gain, place, 0) for place, gain in enumerate(source.gains(covered).tolist())]
    heapq.heapify(queue)
    picks: list[int] = []
    gains: list[float] = []
    while len(picks) < n and queue:
        negative, place, known_at = queue[0]
        row = int(candidates[place])
        if allowance is not None and not allowance.permits_row(row):
            heapq.heappop(queue)
            continue
        rows, values = source.represented(place)
        if known_at < len(picks):
            gain = float(np.maximum(values - covered[rows], 0).sum(dtype=np.float64))
            heapq.heapreplace(queue, (-min(gain, -negative), place, len(picks)))
            continue
        heapq.heappop(queue)
        picks.append(row)
        gains.append(-negative)
        if allowance is not None:
            allowance.take(row)
        covered[rows] = np.maximum(covered[rows], values)
    return GreedyPicks(np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float64))


def stochastic_greedy(
    source: Similarities,
    covered: Vectors,
    candidates: Indices,
    n: int,
    allowance: Allowance | None = None,
    *,
    epsilon: float,
    rng: np.random.Generator,
) -> GreedyPicks:
    """Repeatedly pick the best of `(C / n) ln(1 / epsilon)` random candidates.

    Reaches `1 - 1/e - epsilon` of the optimum in expectation, with `C ln(1 / epsilon)` gains in
    total (Mirzasoleiman et al. 2015). Arguments as for `lazy_greedy`.
    """
    left = np.arange(candidates.size)
    draw = max(1, int(np.ceil(candidates.size / max(n, 1) * np.log(1.0 / epsilon))))
    picks: list[int] = []
    gains: list[float] = []
    while len(picks) < n:
        if allowance is not None:
            left = left[allowance.permits(candidates[left])]
        if left.size == 0:
            break
        drawn = np.sort(rng.choice(left, min(draw, left.size), replace=False))
        best, most = -1, -1.0
        for place in drawn.tolist():
            rows, values = source.represented(place)
            gain = float(np.maximum(values - covered[rows], 0).sum(dtype=np.float64))
            if gain > most:
                best, most = place, gain
        rows, values = source.represented(best)
        covered[rows] = np.maximum(covered[rows], values)
        left = left[left != best]
        picks.append(int(candidates[best]))
        gains.append(most)
        if allowance is not None:
            allowance.take(picks[-1])
    return GreedyPicks(np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float64))

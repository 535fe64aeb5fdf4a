"""Determinantal point process (DPP): rows of which none is close to a mixture of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.greedy import GreedyPicks, Kernel, pick_in_parts, typical_width
from tamis.algo.selection.strategy import Pool, Stage, Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices, Vectors

__all__ = ["CELLS", "dpp"]

CELLS = 67_108_864
"""Most numbers in the Cholesky factor of one part (256 MB)."""

_NOTHING_NEW = 1e-6


def dpp(pool: Pool, n: int) -> Stage:
    """Greedily pick the row that increases the determinant of the picks' kernel most.

    The kernel is `exp(-d² / width²)`, with the median distance of two rows as width. The Cholesky
    factor is extended row by row (Chen, Zhang and Zhou 2018): O(C n (n + D)) time and O(C n)
    memory for `C` candidates, where chosen rows count as picks; in random parts above 67 million
    numbers. Without chosen rows all first picks tie, and the row nearest to the mean is taken.
    Scores are the novelty of each pick: 1 for a row unlike all before, 0 for a copy.
    """
    solver = _Greedy(pool.X, pool.chosen, Kernel("gaussian", typical_width(pool.X, pool.rng)))
    picks = pick_in_parts(
        solver, pool.candidates, pool.X.shape[0], n, allowance=pool.allowance, rng=pool.rng
    )
    return Stage(picks.indices, picks.gains, parts=picks.parts)


@dataclass(frozen=True)
class _Greedy:
    X: Vectors
    chosen: Indices
    kernel: Kernel

    def fits(self, candidates: int, rows: int, n: int) -> bool:  # noqa: ARG002 - a Solver's
        return candidates * (n + self.chosen.size) <= CELLS

    def sample(self, candidates: int, n: int) -> int:  # noqa: ARG002 - rows play no part
        return 1

    def part_size(self, n: int) -> int:
        return max(2 * n, CELLS // max(1, n + self.chosen.size))

    def value(self, picks: Indices, rows: Indices) -> float:  # noqa: ARG002 - a Solver's
        """Return a constant, since determinants of parts are not compared."""
        return -np.inf

    def pick(
        self,
        candidates: Indices,
        rows: Indices,
        n: int,
        allowance: Allowance | None,
    ) -> GreedyPicks:
        rows = np.concatenate([self.chosen, candidates])
        given = self.chosen.size
        vectors = self.X[rows]
        factor = np.empty((given + n, rows.size), dtype=np.float32)
        new = np.ones(rows.size, dtype=np.float64)
        closed = np.zeros(rows.size, dtype=np.bool_)
        closed[:given] = True
        if allowance is not None:
            closed[given:] = ~allowance.permits(candidates)
        for place in range(given):
            self._condition(factor[: place + 1], vectors, place, new)
        picks: list[int] = []
        gains: list[float] = []
        while len(picks) < n and not closed.all():
            if picks or given:
                place = int(np.argmax(np.where(closed, -np.inf, new)))
            else:
                # Every single row has determinant 1, so all tie.
                place = int(np.argmax(np.where(closed, -np.inf, vectors @ vectors.mean(axis=0))))
            gains.append(float(max(new[place], 0.0)))
            self._condition(factor[: given + len(picks) + 1], vectors, place, new)
            picks.append(int(rows[place]))
            closed[place] = True
            if allowance is not None and allowance.take(picks[-1]):
                closed[given:] |= ~allowance.permits(candidates)
        return GreedyPicks(np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float64))

    def _condition(
        self, factor: Vectors, vectors: Vectors, place: int, new: NDArray[np.float64]
    ) -> None:
        """Write the factor's last row, and subtract from `new` what that row explains."""
        before, row = factor[:-1], factor[-1]
        if new[place] <= _NOTHING_NEW:
            row[:] = 0.0
            return
        row[:] = vectors @ vectors[place]
        self.kernel.apply(row)
        row -= before[:, place] @ before
        row /= np.sqrt(new[place])
        new -= np.square(row, dtype=np.float64)


STRATEGY = Strategy(
    dpp,
    reason=lambda pick: (
        f"unlike any mixture of those before it, {100 * pick.score:.0f} % of it new"
    ),
    names_outliers=True,
)

"""Distributed greedy: pick from random parts, then from the union of their picks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from tamis.algo.greedy.lazy import GreedyPicks

if TYPE_CHECKING:
    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices

__all__ = ["Solver", "pick_in_parts"]

_LEAST_REDUCTION = 0.75
"""If parts would pick more than this share of the candidates, dividing them is pointless."""

_ROUNDING = 1e-9


class Solver(Protocol):
    """A greedy algorithm over given candidates and the rows that they should represent."""

    def fits(self, candidates: int, rows: int, n: int) -> bool:
        """Return whether a problem of this size is solved without parts."""

    def sample(self, candidates: int, n: int) -> int:
        """Return how many rows to evaluate for this many candidates, at most all."""

    def part_size(self, n: int) -> int:
        """Return how many candidates a part should have."""

    def pick(
        self, candidates: Indices, rows: Indices, n: int, allowance: Allowance | None
    ) -> GreedyPicks:
        """Pick `n` candidates; gains are means over the rows."""

    def value(self, picks: Indices, rows: Indices) -> float:
        """Return the objective of the picks, as a mean over the rows."""


def pick_in_parts(
    solver: Solver,
    candidates: Indices,
    rows: int,
    n: int,
    *,
    allowance: Allowance | None,
    rng: np.random.Generator,
) -> GreedyPicks:
    """Pick directly if the problem fits, else from random parts and then from their union.

    Each part picks `n` of its own candidates to represent its own rows. From the union of these,
    `n` are picked to represent a random sample of all rows, again in parts while there are too
    many. The result is the better of that and the best single part (GreeDi, Mirzasoleiman et al.
    2013, with the random parts of Barbosa et al. 2015, which reach half of `1 - 1/e` of the optimum
    in expectation for one division and an objective over all rows). Memory is that of one part.

    Args:
        solver: the greedy algorithm.
        candidates: `[C]` row numbers.
        rows: number of rows, all of which should be represented.
        n: how many to pick.
        allowance: says which groups are open. Each part uses a copy of it, so the union has
            enough rows of every group.
        rng: divides and samples.
    """
    if solver.fits(candidates.size, rows, n):
        return solver.pick(candidates, np.arange(rows), n, allowance)
    union, parts = candidates, 0
    pieces: list[Indices] = []
    while not parts or not solver.fits(union.size, solver.sample(union.size, n), n):
        count = int(np.ceil(union.size / solver.part_size(n)))
        if count == 1 or count * n > _LEAST_REDUCTION * union.size:
            break
        part = rng.permutation(rows) % count
        pieces = []
        for number in range(count):
            own = union[part[union] == number]
            there = np.flatnonzero(part == number)
            if parts:
                there = _sample(there, solver.sample(own.size, n), rng)
            copy = None if allowance is None else allowance.copy()
            pieces.append(solver.pick(own, there, n, copy).indices)
        parts = parts or count
        union = np.sort(np.concatenate(pieces))
    seen = np.arange(rows)
    if parts:
        seen = _sample(seen, solver.sample(union.size, n), rng)
    copy = None if allowance is None else allowance.copy()
    picks = solver.pick(union, seen, n, copy)
    values = [
        solver.value(piece, seen) if piece.size == picks.indices.size else -np.inf
        for piece in pieces
    ]
    if values and max(values) > float(picks.gains.sum()) + _ROUNDING:
        best = np.sort(pieces[int(np.argmax(values))])
        copy = None if allowance is None else allowance.copy()
        picks = solver.pick(best, seen, n, copy)
    if allowance is not None:
        for row in picks.indices.tolist():
            allowance.take(row)
    return GreedyPicks(picks.indices, picks.gains, max(parts, 1))


def _sample(rows: Indices, size: int, rng: np.random.Generator) -> Indices:
    if size >= rows.size:
        return rows
    return np.sort(rng.choice(rows, size, replace=False))

"""Greedy picks from random parts, then from the union of what the parts picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from tamis.algo.greedy.lazy import GreedyPicks

if TYPE_CHECKING:
    from tamis.algo.selection.quotas import Allowance
    from tamis.types import Indices

__all__ = ["Solver", "pick_in_parts"]

_LEAST_REDUCTION = 0.75
"""Where parts would pick more of the candidates than this, dividing them leads nowhere."""

_ROUNDING = 1e-9


class Solver(Protocol):
    """A greedy algorithm over some candidates and the rows that they are to represent."""

    def fits(self, candidates: int, rows: int, n: int) -> bool:
        """Return whether so many are solved in one piece."""

    def sample(self, candidates: int, n: int) -> int:
        """Return how many rows to look at with so many candidates, at most all."""

    def part_size(self, n: int) -> int:
        """Return how many candidates a part should have."""

    def pick(
        self, candidates: Indices, rows: Indices, n: int, allowance: Allowance | None
    ) -> GreedyPicks:
        """Pick `n` of the candidates; gains are means over the rows."""

    def value(self, picks: Indices, rows: Indices) -> float:
        """Return the objective of some picks, as a mean over the rows."""


def pick_in_parts(
    solver: Solver,
    candidates: Indices,
    rows: int,
    n: int,
    *,
    allowance: Allowance | None,
    rng: np.random.Generator,
) -> GreedyPicks:
    """Pick in one piece if that fits, else from random parts and then from their union.

    Each part picks `n` of its own candidates for its own rows; of all those, `n` are picked for a
    random sample of all rows, in parts again while there are too many. The better of that and of
    the best part is the result (GreeDi; Mirzasoleiman et al. 2013, with the random parts of
    Barbosa et al. 2015: half of `1 - 1/e` of the best in expectation over one division, where the
    objective is taken over all rows). Memory is that of one part.

    Args:
        solver: the greedy algorithm.
        candidates: `[C]` row numbers.
        rows: how many rows there are, all to be represented.
        n: how many to pick.
        allowance: says which groups are open. Each part keeps to a copy of it, which suffices for
            the union to hold enough rows of every group.
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

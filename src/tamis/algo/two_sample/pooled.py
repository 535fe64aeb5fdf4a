"""Rows of two sides in one pool, and the units that are dealt to the sides again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Pooled", "pool"]

_UNITS_A_SIDE: Final = 250
"""Units of the smaller side from which on units are joined."""


@dataclass(frozen=True)
class Pooled:
    """Rows of a reference and a batch, in an order that depends on what they hold.

    A unit is what one permutation deals to a side as a whole: a row, a block of correlated rows,
    or several of these joined at random to save time.

    Attributes:
        X: `[N, D]` float32 rows of both sides.
        covariates: `[N, C]` float64; NaN is unknown.
        batch: `[N]` bool, which rows are of the batch.
        block: `[N]` int64 block of each row, from 0; no block lies on both sides.
        unit: `[N]` int64 unit of each row, from 0; -1 for a row that is left out.
        unit_is_batch: `[G]` bool, which units are of the batch.
        row: `[N]` int64 place in the input: the reference's rows, then the batch's.
    """

    X: Vectors
    covariates: NDArray[np.float64]
    batch: NDArray[np.bool_]
    block: Indices
    unit: Indices
    unit_is_batch: NDArray[np.bool_]
    row: Indices

    @property
    def units(self) -> int:
        """How many units there are, of both sides."""
        return int(self.unit_is_batch.size)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """`[G]` rows of each unit."""
        return np.bincount(self.unit[self.unit >= 0], minlength=self.units).astype(np.float64)

    def unit_sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[G, F]` sums of the rows `[N, F]` of each unit."""
        if self.units == len(self.unit) and bool((np.diff(self.unit) == 1).all()):
            return np.array(values, np.float64)
        order = np.argsort(self.unit, kind="stable")
        order = order[np.count_nonzero(self.unit < 0) :]
        first = np.searchsorted(self.unit[order], np.arange(self.units))
        sums: NDArray[np.float64] = np.add.reduceat(values[order], first, axis=0, dtype=np.float64)
        return sums


def pool(
    reference: NDArray[Any],
    batch: NDArray[Any],
    *,
    blocks: tuple[Indices | None, Indices | None] = (None, None),
    covariates: tuple[NDArray[Any], NDArray[Any]] | None = None,
    rng: np.random.Generator,
) -> Pooled:
    """Join the rows of two sides so that nothing but `batch` tells which side a row is of.

    Of large samples units are joined, as many to one on either side, so that permutations cost
    less: "cheap permutation testing" (Domingo-Enrich, Dwivedi and Mackey 2023) stays valid and
    loses hardly any power. What cannot fill a unit, under one in 250 of the smaller side, is left
    out. O(N log N) comparisons of rows.

    Args:
        reference: `[N, D]` finite numbers.
        batch: `[M, D]` finite numbers.
        blocks: `[N]` and `[M]` block of each row: rows that are alike because they were taken
            together, such as frames of one video; None where each row is a draw of its own.
        covariates: `[N, C]` and `[M, C]`; NaN is unknown.
        rng: orders identical rows, joins units.

    Raises:
        UsageError: shapes do not fit, a number is not finite, or a side has under two blocks.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.random((5, 3)), rng.random((4, 3)), rng=rng)
        >>> pooled.units, int(pooled.batch.sum())
        (9, 4)
    """
    sides = [_rows(side, name) for side, name in ((reference, "reference"), (batch, "batch"))]
    if sides[0].shape[1] != sides[1].shape[1]:
        raise UsageError(
            f"the reference has {sides[0].shape[1]} dimensions and the batch {sides[1].shape[1]}: "
            "embed both with the same encoder"
        )
    numbers = [_numbered(own, len(side)) for own, side in zip(blocks, sides, strict=True)]
    counts = [int(own.max(initial=-1)) + 1 for own in numbers]
    if min(counts) < 2:  # noqa: PLR2004 - one draw a side shows no spread
        raise UsageError(
            f"the reference has {counts[0]} blocks and the batch {counts[1]}: a comparison needs "
            "at least two a side; give more rows or shorter blocks"
        )
    given = covariates or (np.empty((len(sides[0]), 0)), np.empty((len(sides[1]), 0)))
    columns = [
        np.asarray(values, np.float64).reshape(len(rows), -1)
        for values, rows in zip(given, sides, strict=True)
    ]
    if columns[0].shape[1] != columns[1].shape[1]:
        raise UsageError(
            f"the reference has {columns[0].shape[1]} covariates and the batch "
            f"{columns[1].shape[1]}: give both sides the same"
        )
    X, values = np.concatenate(sides), np.concatenate(columns)
    # Identical rows stay in the order they are given in: it must not tell their sides.
    shuffled = rng.permutation(len(X))
    table = np.hstack([X[shuffled], values[shuffled].astype(np.float32)])
    order = shuffled[canonical_order(np.ascontiguousarray(table))]
    is_batch = (np.arange(len(X)) >= len(sides[0]))[order]
    names = np.concatenate([numbers[0], numbers[1] + counts[0]])[order]
    block = _by_appearance(names)
    block_is_batch = np.zeros(sum(counts), np.bool_)
    block_is_batch[block] = is_batch
    unit, unit_is_batch = _joined(block_is_batch, min(counts), rng)
    return Pooled(X[order], values[order], is_batch, block, unit[block], unit_is_batch, order)


def _rows(side: NDArray[Any], name: str) -> Vectors:
    rows = np.asarray(side, np.float32)
    if rows.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise UsageError(f"the {name} must be a table of rows, not of shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise UsageError(f"the {name} holds a number that is not finite: embed it again")
    return rows


def _numbered(blocks: Indices | None, n: int) -> Indices:
    """Blocks numbered from 0 without gaps; each row its own for None."""
    if blocks is None:
        return np.arange(n)
    if len(blocks) != n:
        raise UsageError(f"{n} rows and {len(blocks)} blocks: give each row one")
    return np.unique(blocks, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _by_appearance(names: Indices) -> Indices:
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse.reshape(-1)]


def _joined(
    block_is_batch: NDArray[np.bool_], fewest: int, rng: np.random.Generator
) -> tuple[Indices, NDArray[np.bool_]]:
    """Join blocks of one side at random, as many to a unit on both sides."""
    together = max(1, fewest // _UNITS_A_SIDE)
    n = block_is_batch.size
    if together == 1:
        return np.arange(n), block_is_batch
    # One key a block, whichever side it is of: swapping the sides changes no unit.
    order = np.argsort(rng.random(n))
    unit = np.full(n, -1, np.int64)
    for side in (False, True):
        mine = order[block_is_batch[order] == side]
        mine = mine[: mine.size // together * together]
        unit[mine] = np.repeat(mine[::together], together)
    kept = unit >= 0
    unit[kept] = np.unique(unit[kept], return_inverse=True)[1].reshape(-1)
    unit_is_batch = np.zeros(int(unit.max()) + 1, np.bool_)
    unit_is_batch[unit[kept]] = block_is_batch[kept]
    return unit, unit_is_batch

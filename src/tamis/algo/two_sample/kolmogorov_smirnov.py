"""Kolmogorov-Smirnov: the largest gap between the distributions of one number a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample.permutation import deals, evaluated, p_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled

__all__ = ["ColumnTests", "GapStatistic", "ks_test"]

_LEVELS: Final = 256
"""Values at which the distributions are compared; of more, evenly spread pooled quantiles."""


class GapStatistic:
    """The largest gap between the shares of batch and reference that are at most some value.

    Compared at every value that occurs, or at 256 pooled quantiles where there are more, so a gap
    may be seen smaller by 1/256. An unknown value (NaN) is above all others: a column that is
    unknown more often on one side differs. O(N log N + G) to set up, O(256 B G) for B deals.

    Args:
        pooled: gives units to the values.
        values: `[N]` one number a pooled row.
    """

    def __init__(self, pooled: Pooled, values: NDArray[np.float64]) -> None:
        known = values[np.isfinite(values)]
        levels = np.unique(known)
        if levels.size > _LEVELS:
            levels = np.unique(np.quantile(known, np.linspace(0, 1, _LEVELS), method="lower"))
        place = np.searchsorted(levels, values, side="left")
        used = pooled.unit >= 0
        counts = np.zeros((pooled.units, levels.size + 1))
        np.add.at(counts, (pooled.unit[used], place[used]), 1.0)
        self._reached = np.cumsum(counts, axis=1)[:, : levels.size]
        self._sizes = pooled.sizes

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` largest gaps of deals `[B, G]`."""
        batch = dealt.astype(np.float64)
        rows = batch @ self._sizes
        inside = batch @ self._reached
        outside = self._reached.sum(axis=0) - inside
        gaps = np.abs(inside / rows[:, None] - outside / (self._sizes.sum() - rows)[:, None])
        largest: NDArray[np.float64] = gaps.max(axis=1, initial=0.0)
        return largest


@dataclass(frozen=True)
class ColumnTests:
    """One test a column.

    Attributes:
        gaps: `[C]` the largest gap of each.
        p: `[C]` p-value of each by itself.
        adjusted: `[C]` p-values times C, at most 1 (Bonferroni): the chance that any column is
            this far apart by chance is no larger.
    """

    gaps: NDArray[np.float64]
    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]

    @property
    def p_any(self) -> float:
        """The p-value of all columns together; 1 where there is none."""
        return float(self.adjusted.min(initial=1.0))


def ks_test(
    pooled: Pooled,
    columns: NDArray[np.float64],
    *,
    permutations: int = 999,
    rng: np.random.Generator,
) -> ColumnTests:
    """Compare the distributions of each column, such as a probe's outputs, on both sides.

    p-values are of permutations, so that blocks of rows count once. With many columns take many
    permutations: no adjusted p is under C / (B + 1).

    Args:
        pooled: the rows.
        columns: `[N, C]` numbers of the pooled rows; NaN is unknown.
        permutations: B.
        rng: deals units.

    Raises:
        UsageError: `permutations` is under 1.

    Example:
        >>> from tamis.algo.two_sample.pooled import pool
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.normal(size=(100, 2)), rng.normal([0, 2], 1, (50, 2)), rng=rng)
        >>> ks_test(pooled, pooled.X.astype(np.float64), rng=rng).adjusted < 0.05
        array([False,  True])
    """
    dealt = deals(pooled.unit_is_batch, permutations, rng)
    found = (
        np.stack([evaluated(GapStatistic(pooled, column), dealt) for column in columns.T], axis=1)
        if columns.shape[1]
        else np.empty((permutations + 1, 0))
    )
    p = p_values(found)[0]
    return ColumnTests(found[0], p, np.minimum(1.0, p * columns.shape[1]))

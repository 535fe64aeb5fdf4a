"""Energy distance: how much farther apart rows of two samples are than rows of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample.mmd import unit_table
from tamis.algo.two_sample.permutation import TestResult, tested
from tamis.algo.two_sample.unit_kernel import DenseKernel, kernel_distance
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled

__all__ = ["EnergyStatistic", "energy_test"]

_MOST_ROWS: Final = 12_000


class EnergyStatistic:
    """`2 E|x - y| - E|x - x'| - E|y - y'|`, over pairs of rows of different units.

    O(N² D) time and O(N²) memory to set up. SciPy's `energy_distance` is the root of the same
    with a row's distance to itself counted in; the unbiased form here can be below 0.

    Args:
        pooled: the rows, at most 12,000.

    Raises:
        UsageError: there are more rows.
    """

    def __init__(self, pooled: Pooled) -> None:
        if len(pooled.X) > _MOST_ROWS:
            raise UsageError(
                f"the energy distance takes {_MOST_ROWS} rows at most, not {len(pooled.X)}: "
                "draw fewer, or use MMD"
            )
        rows = pooled.X.astype(np.float64)
        lengths = np.einsum("nd,nd->n", rows, rows)
        squared = lengths[:, None] + lengths - 2 * (rows @ rows.T)
        np.maximum(squared, 0.0, out=squared)
        np.fill_diagonal(squared, 0.0)
        np.sqrt(squared, out=squared)
        self._kernel = DenseKernel(-unit_table(pooled, squared), pooled.sizes)

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` energy distances of deals `[B, G]`."""
        return kernel_distance(self._kernel, dealt)


def energy_test(pooled: Pooled, *, permutations: int = 499, rng: np.random.Generator) -> TestResult:
    """Test whether both sides are draws of one distribution (Székely and Rizzo 2004).

    Raises:
        UsageError: there are over 12,000 rows, or `permutations` is under 1.

    Example:
        >>> from tamis.algo.two_sample.pooled import pool
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.normal(size=(100, 8)), rng.normal(1, size=(50, 8)), rng=rng)
        >>> energy_test(pooled, rng=rng).p
        0.002
    """
    return tested(EnergyStatistic(pooled), pooled.unit_is_batch, permutations, rng)

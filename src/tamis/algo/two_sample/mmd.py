"""Maximum mean discrepancy: how far apart the means of two samples lie in a kernel's space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample.permutation import TestResult, tested
from tamis.algo.two_sample.random_features import (
    BANDWIDTHS,
    median_distance,
    random_features,
    random_frequencies,
)
from tamis.algo.two_sample.unit_kernel import (
    DenseKernel,
    FeatureKernel,
    UnitKernel,
    kernel_distance,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled
    from tamis.types import Vectors

__all__ = ["MmdStatistic", "mmd_test", "unit_table"]

_EXACT_ROWS: Final = 1500
_CHUNK: Final = 4096


class MmdStatistic:
    """Unbiased squared MMD of any deal of the units.

    The kernel is the mean of three Gaussians at half, once and twice the median distance of the
    pooled rows: every pair for up to 1,500 rows, beyond by 768 random Fourier features. Setting
    up costs O(N² D) or O(N D F).

    Args:
        pooled: the rows.
        exact: whether to take every pair; by the number of rows if None.
        rng: draws pairs for the median, and frequencies.
    """

    def __init__(
        self, pooled: Pooled, *, exact: bool | None = None, rng: np.random.Generator
    ) -> None:
        used = np.flatnonzero(pooled.unit >= 0)
        median = median_distance(pooled.X, used, rng)
        self.kernel: UnitKernel
        if exact if exact is not None else used.size <= _EXACT_ROWS:
            self.kernel = DenseKernel(
                unit_table(pooled, _gaussians(pooled.X, median)), pooled.sizes
            )
        else:
            frequencies = random_frequencies(pooled.X.shape[1], median, rng)
            sums = np.zeros((pooled.units, 2 * frequencies.shape[1]), np.float64)
            order = np.argsort(pooled.unit, kind="stable")
            order = order[pooled.unit[order] >= 0]
            for start in range(0, order.size, _CHUNK):
                part = order[start : start + _CHUNK]
                names, first = np.unique(pooled.unit[part], return_index=True)
                features = random_features(pooled.X[part], frequencies)
                sums[names] += np.add.reduceat(features, first, axis=0)
            self.kernel = FeatureKernel.of(sums, pooled.sizes)

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` squared MMD of deals `[B, G]`."""
        return kernel_distance(self.kernel, dealt)


def mmd_test(
    pooled: Pooled, *, permutations: int = 499, exact: bool | None = None, rng: np.random.Generator
) -> TestResult:
    """Test whether both sides are draws of one distribution (Gretton and others 2012).

    Raises:
        UsageError: `permutations` is under 1.

    Example:
        >>> from tamis.algo.two_sample.pooled import pool
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.normal(size=(100, 8)), rng.normal(1, size=(50, 8)), rng=rng)
        >>> mmd_test(pooled, rng=rng).p
        0.002
    """
    statistic = MmdStatistic(pooled, exact=exact, rng=rng)
    return tested(statistic, pooled.unit_is_batch, permutations, rng)


def unit_table(pooled: Pooled, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum a table of pairs of rows `[N, N]` over units: `[G, G]`, 0 on the diagonal."""
    table = pooled.unit_sums(pooled.unit_sums(pairs).T)
    np.fill_diagonal(table, 0.0)
    return table


def _gaussians(X: Vectors, median: float) -> NDArray[np.float64]:
    rows = X.astype(np.float64)
    lengths = np.einsum("nd,nd->n", rows, rows)
    squared = rows @ rows.T
    squared *= -2
    squared += lengths
    squared += lengths[:, None]
    np.maximum(squared, 0.0, out=squared)
    squared /= -2 * (max(BANDWIDTHS) * median) ** 2
    # One exponential for all widths: each is half of the next, so its Gaussian is the fourth power.
    power = np.exp(squared, out=squared)
    kernel = power.copy()
    for _ in BANDWIDTHS[1:]:
        power *= power
        power *= power
        kernel += power
    kernel /= len(BANDWIDTHS)
    return kernel

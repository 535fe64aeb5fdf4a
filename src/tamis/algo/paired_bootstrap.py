"""How much better one way does than another on the same rows, with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.intervals import Estimate
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["bootstrap_mean"]


def bootstrap_mean(
    values: NDArray[np.float64],
    groups: Indices,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 2000,
) -> Estimate:
    """Return the mean of values with the interval of a bootstrap that draws whole groups.

    Of the differences of two scores on the same rows it is the paired bootstrap. Rows of one group
    are no independent evidence, so groups are drawn (Davison and Hinkley 1997, section 3.8), and
    the mean is that of the rows drawn. With a single group the interval is unknown. O(draws G).

    Args:
        values: `[N]`.
        groups: `[N]` group of each row.
        rng: draws groups.
        level: share of intervals that hold the truth.
        draws: how often groups are drawn.

    Raises:
        UsageError: there is no row.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> better = bootstrap_mean(np.array([1.0, 1.0, 0.0, 1.0]), np.arange(4), rng)
        >>> better.value, better.low, better.high
        (0.75, 0.25, 1.0)
    """
    if len(values) == 0:
        raise UsageError("a mean needs at least one row")
    _, of = np.unique(groups, return_inverse=True)
    count = int(of.max()) + 1
    mean = float(values.mean())
    if count == 1:
        return Estimate(mean, mean, mean)
    sums, sizes = np.bincount(of, weights=values), np.bincount(of)
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    means = (times @ sums) / (times @ sizes)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(mean, float(low), float(high))

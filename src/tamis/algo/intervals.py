"""Confidence intervals for measured accuracies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scipy.stats import norm, t

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Estimate", "mean_of_seeds", "share_right"]

_TAIL = 0.975
"""Quantile for 95% intervals."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95% confidence interval.

    Attributes:
        value: the number.
        low: lower end; equal to the value if the interval is unknown.
        high: upper end; equal to the value if the interval is unknown.
    """

    value: float
    low: float
    high: float


def share_right(right: int, rows: int) -> Estimate:
    """Return the share of correct rows with Wilson's interval (1927).

    Raises:
        UsageError: there is no row, or more rows are correct than there are.

    >>> estimate = share_right(8, 10)
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (0.49, 0.943)
    """
    if not 0 <= right <= rows or rows == 0:
        raise UsageError(f"{right} of {rows} rows cannot be right")
    z = float(norm.ppf(_TAIL))
    share, spread = right / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    # at the ends the interval reaches them exactly, which the rounding of the formula misses
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == rows else min(1.0, middle + half)
    return Estimate(share, low, high)


def mean_of_seeds(values: NDArray[Any]) -> Estimate:
    """Return the mean of `[S]` runs with Student's t interval; a single run has none.

    Raises:
        UsageError: there is no run.

    >>> import numpy as np
    >>> mean_of_seeds(np.array([0.5, 0.5, 0.5]))
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    if values.size == 0:
        raise UsageError("a mean needs at least one run")
    mean = float(values.mean())
    if values.size == 1:
        return Estimate(mean, mean, mean)
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    half = float(t.ppf(_TAIL, values.size - 1)) * error
    return Estimate(mean, mean - half, mean + half)

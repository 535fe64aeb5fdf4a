"""How many of the labels given out are expected to be right, with an interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import beta

from tamis.algo.intervals import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["expected_accuracy"]

_TAIL: Final = 0.025
_WORTH: Final = 0.5
"""Held-out seeds judge fits that share seeds, and hard ones lower the estimate while they better
the fit, so each is worth less than an independent row: intervals of cross-validation that take it
for one are often too narrow by a third or more (Bates, Hastie and Tibshirani, JASA 2024)."""


def expected_accuracy(
    right: NDArray[np.bool_],
    classes: Indices,
    shares: NDArray[np.float64],
    *,
    worth: float = 1.0,
) -> Estimate:
    """Return the expected accuracy on rows of which classes have other shares than among seeds.

    Seeds are often as many of each class, pictures are not. Each held-out seed counts by how much
    commoner its class is among the rows than among the seeds; Clopper and Pearson's interval
    (1934), which never holds less than 95 %, is taken for as many seeds as would say as much if
    all counted the same (Kish 1965), halved since refits share seeds. What no seed
    could measure may be all right or all wrong: the interval holds both.

    Args:
        right: `[M]`, whether each held-out seed was labelled rightly.
        classes: `[M]` true class of each.
        shares: `[K]` share of each class among the rows to label; sums to 1.
        worth: how much each counts beside an independent one, apart from the halving.

    Returns:
        The estimate; NaN from 0 to 1 where nothing could be measured.

    Example:
        >>> found = expected_accuracy(
        ...     np.array([True, True, False, False]), np.array([0, 0, 1, 1]), np.array([0.9, 0.1])
        ... )
        >>> round(found.value, 2)
        0.9
    """
    counts = np.bincount(classes, minlength=shares.size)
    known = float(shares[counts > 0].sum())
    if right.size == 0 or known <= 0:
        return Estimate(math.nan, 0.0, 1.0)
    weights = shares[classes] / counts[classes] / known
    value = float((weights * right).sum())
    rows = _WORTH * worth / float((weights**2).sum())
    wrong = rows - value * rows
    low = float(beta.ppf(_TAIL, value * rows, wrong + 1)) if value > 0 else 0.0
    high = float(beta.ppf(1 - _TAIL, value * rows + 1, wrong)) if value < 1 else 1.0
    return Estimate(value, known * low, known * high + (1.0 - known))

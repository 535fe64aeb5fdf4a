"""What a drift is likely to do to a classifier's accuracy, estimated without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import norm

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ASSUMPTIONS", "AccuracyChange", "accuracy_change"]

ASSUMPTIONS: Final = (
    "the probabilities are as well calibrated on the batch as on the reference",
    "no class is new: pictures of a new class are wrong however sure the classifier is",
    "what a picture shows still has the same label",
)
"""What an estimate from confidence takes for granted."""

_TAIL: Final = 0.975


@dataclass(frozen=True)
class AccuracyChange:
    """Accuracy expected on a batch, and its change.

    Attributes:
        reference: share of the reference that was classified rightly, or its mean confidence where
            nothing is known of what was right.
        batch: expected accuracy on the batch.
        change: batch less reference.
        low: lower end of the change's 95 % interval.
        high: upper end.
        assumptions: what the estimate takes for granted, as sentences.
    """

    reference: float
    batch: float
    change: float
    low: float
    high: float
    assumptions: tuple[str, ...] = ASSUMPTIONS


def accuracy_change(
    reference: NDArray[Any],
    batch: NDArray[Any],
    *,
    right: NDArray[np.bool_] | None = None,
    blocks: tuple[Indices | None, Indices | None] = (None, None),
) -> AccuracyChange:
    """Estimate the change of accuracy from confidence (Guillory and others 2021).

    The change is the difference of mean confidence. The reference's accuracy is measured where
    `right` is given, and a batch's is that plus the change. The interval counts the draw of blocks
    on both sides, not a failure of the assumptions. O(N).

    Args:
        reference: `[N]` calibrated probability of the class predicted, on rows that the classifier
            was not fitted on.
        batch: `[M]` the same of the batch.
        right: `[N]` which rows of the reference were classified rightly.
        blocks: `[N]` and `[M]` block of each row; None where each row is a draw of its own.

    Raises:
        UsageError: a side has under two blocks, a probability lies outside 0 to 1, or lengths
            differ.

    Example:
        >>> found = accuracy_change(np.tile([0.8, 1.0], 50), np.tile([0.6, 0.8], 50))
        >>> round(found.change, 3), round(found.low, 3), round(found.high, 3)
        (-0.2, -0.228, -0.172)
    """
    sides = [np.asarray(reference, np.float64), np.asarray(batch, np.float64)]
    for side in sides:
        wrong = side[~((side >= 0) & (side <= 1))]
        if wrong.size:
            raise UsageError(f"a probability lies between 0 and 1, not at {wrong[0]:g}")
    if right is not None and len(right) != len(sides[0]):
        raise UsageError(f"{len(sides[0])} probabilities and {len(right)} rights: give each one")
    means, variances = [], []
    for side, own in zip(sides, blocks, strict=True):
        mean, variance = _mean(side, own)
        means.append(mean)
        variances.append(variance)
    change = means[1] - means[0]
    half = float(norm.ppf(_TAIL)) * float(np.sqrt(sum(variances)))
    accuracy = means[0] if right is None else float(np.mean(right))
    expected = min(1.0, max(0.0, accuracy + change))
    return AccuracyChange(accuracy, expected, change, change - half, change + half)


def _mean(values: NDArray[np.float64], blocks: Indices | None) -> tuple[float, float]:
    """The mean, and its variance over draws of blocks."""
    names = np.arange(len(values)) if blocks is None else np.asarray(blocks)
    if len(names) != len(values):
        raise UsageError(f"{len(values)} probabilities and {len(names)} blocks: give each one")
    number = np.unique(names, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(number).astype(np.float64)
    count = sizes.size
    if count < 2:  # noqa: PLR2004 - one draw shows no spread
        raise UsageError(f"an interval needs at least two blocks a side, not {count}")
    mean = float(values.mean())
    # of a ratio of sums over blocks
    off = np.bincount(number, weights=values) - mean * sizes
    return mean, float((off**2).sum() * count / (count - 1) / sizes.sum() ** 2)

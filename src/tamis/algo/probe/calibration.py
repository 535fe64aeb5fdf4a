"""Probabilities that mean what they say: temperature scaling, and how far off they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ConfidenceBin", "expected_calibration_error", "fit_temperature", "reliability"]

_MOST: Final = np.log(100.0)
"""Logarithm of the largest factor between a temperature and the expected one."""


def fit_temperature(
    logits: NDArray[np.float64], classes: Indices, *, expected: float = 1.0
) -> float:
    """Return the temperature T for which `softmax(logits / T)` fits best.

    The least log loss (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural
    networks", ICML 2017, section 4.2), summed over the rows, and half the squared distance of
    log T to that of the expected temperature: a few rows that are all right, or all wrong, would
    otherwise give certainty or none; many rows outweigh it. O(NK) time a step.

    Args:
        logits: `[N, K]` of rows that the classifier was not fitted on.
        classes: `[N]` their classes.
        expected: T where there is no row.

    Returns:
        T within a factor of 100 of the expected.

    Example:
        >>> sure = np.array([[9.0, 0], [9, 0], [9, 0], [0, 9]])  # and one of four is wrong
        >>> temperature = fit_temperature(sure, np.array([0, 0, 1, 1]))
        >>> bool(temperature > 3)
        True
    """
    row = np.arange(len(logits))

    def loss(step: float) -> float:
        likely = log_softmax(logits / (expected * np.exp(step)), axis=1)[row, classes]
        return 0.5 * step**2 - float(likely.sum())

    if row.size == 0:
        return expected
    found = minimize_scalar(loss, bounds=(-_MOST, _MOST), method="bounded")
    return float(expected * np.exp(found.x))


@dataclass(frozen=True)
class ConfidenceBin:
    """Rows whose predicted class has about the same probability.

    Attributes:
        confidence: mean probability of the class predicted.
        right: how many are predicted rightly.
        rows: how many there are.
    """

    confidence: float
    right: int
    rows: int


def reliability(
    probabilities: NDArray[np.float64], classes: Indices, *, bins: int = 10
) -> list[ConfidenceBin]:
    """Return how often predictions are right by how sure they are, the unsure first. O(N K).

    Equal bins by the probability of the class predicted; those without rows are left out.

    Args:
        probabilities: `[N, K]`.
        classes: `[N]` true classes.
        bins: how many.

    Example:
        >>> reliability(np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]]), np.array([0, 0, 0]), bins=2)
        [ConfidenceBin(confidence=0.8666666666666667, right=2, rows=3)]
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for number in np.unique(place).tolist():
        inside = place == number
        found.append(
            ConfidenceBin(
                float(confidence[inside].mean()), int(right[inside].sum()), int(inside.sum())
            )
        )
    return found


def expected_calibration_error(
    probabilities: NDArray[np.float64], classes: Indices, *, bins: int = 15
) -> float:
    """Return how far, on average, the probability of the class predicted is from the truth.

    Rows are put into equal bins by the probability of the class predicted; of each bin the mean
    probability is compared with the share of rows predicted rightly, and the distances are
    averaged by the number of rows (Naeini, Cooper and Hauskrecht, AAAI 2015). O(NK).

    Args:
        probabilities: `[N, K]`.
        classes: `[N]` true classes.
        bins: how many.

    Raises:
        UsageError: there is no row, or no bin.

    Example:
        >>> half = np.full((4, 2), 0.5)
        >>> expected_calibration_error(half, np.array([0, 0, 1, 1]))
        0.0
    """
    if len(probabilities) == 0 or bins < 1:
        raise UsageError(
            f"a calibration error needs rows and bins, not {len(probabilities)} and {bins}"
        )
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(probabilities))

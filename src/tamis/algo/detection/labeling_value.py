"""How much there is to learn from labeling a picture, by what a detector says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["expected_mistakes", "rarity"]


def expected_mistakes(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each object is judged wrongly at a confidence of one half, `[N]`.

    For confidences that are probabilities: an object of 0.9 is wrong one time in ten, and one of
    0.2, which does not count, is missed one time in five. The sum over a picture is the number of
    mistakes to expect in it; sums find more than means (Brust et al., 2019).
    """
    return np.asarray(np.minimum(score, 1 - score).clip(0, 1), np.float64)


def rarity(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of classes that so many pictures have, `[C]`: 1 of one that none has."""
    return np.asarray(1 / (1 + counts), np.float64)

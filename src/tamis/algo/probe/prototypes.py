"""The nearest class mean by cosine, for a few labels a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.unit_vectors import normalise_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Prototypes", "fit_prototypes"]


@dataclass(frozen=True)
class Prototypes:
    """One direction for each class, as seen from the middle of all classes.

    Attributes:
        centre: `[D]` float64, the mean of the class means.
        directions: `[K, D]` float64 unit vectors (zero for a class whose mean is the centre).
    """

    centre: NDArray[np.float64]
    directions: NDArray[np.float64]

    def cosines(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cosine `[N, K]` of each row with each class, both seen from the centre."""
        cosines: NDArray[np.float64] = normalise_rows(X - self.centre) @ self.directions.T
        return cosines


def fit_prototypes(X: NDArray[np.float64], classes: Indices) -> Prototypes:
    """Average the rows of each class (Snell, Swersky and Zemel, 2017), seen from their middle.

    Embeddings point mostly one way; without that part, cosines tell classes better apart (Wang et
    al., "SimpleShot", 2019). The middle is that of the class means, so that no class draws it to
    itself by its size. O(ND).

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each row, from 0 to K - 1, each taken at least once.

    Example:
        >>> X = np.array([[1, 0.1], [1, -0.1], [0, 1]])
        >>> prototypes = fit_prototypes(X, np.array([0, 0, 1]))
        >>> prototypes.cosines(np.array([[0.9, 0.2]])).argmax(axis=1)
        array([0])
    """
    counts = np.bincount(classes)
    means = np.zeros((counts.size, X.shape[1]))
    np.add.at(means, classes, X)
    means /= counts[:, None]
    centre = means.mean(axis=0)
    return Prototypes(centre, normalise_rows(means - centre))

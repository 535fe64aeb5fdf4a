"""How far rows lie from the middle of others, in the shape of their spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import linalg

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["ShrunkCovariance", "ledoit_wolf"]

_AT_ONCE: Final = 4096
_FEWEST: Final = 2
_TINY: Final = 1e-9


@dataclass(frozen=True)
class ShrunkCovariance:
    """A covariance that can be inverted however few rows it is of.

    Attributes:
        count: rows that it is of.
        mean: `[D]` float64.
        covariance: `[D, D]` float64.
        shrinkage: share of the multiple of the identity in it, 0 to 1.
    """

    count: int
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    shrinkage: float

    def distances(self, X: Vectors, own: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return `[N]` Mahalanobis distances of rows. O(N D² + D³).

        A row that the covariance is of would pull it towards itself. For such rows it is that of
        the others, to first order and at the same shrinkage (Sherman and Morrison 1950).

        Args:
            X: `[N, D]` float32.
            own: `[N]` which rows the covariance is of.
        """
        factor = linalg.cholesky(self.covariance, lower=True)
        found = np.empty(len(X))
        for start in range(0, len(X), _AT_ONCE):
            away = X[start : start + _AT_ONCE].astype(np.float64) - self.mean
            white = linalg.solve_triangular(factor, away.T, lower=True)
            found[start : start + _AT_ONCE] = np.einsum("ij,ij->j", white, white)
        grown = self.count / (self.count - 1)
        left = np.maximum(1 - (1 - self.shrinkage) / self.count * found, _TINY)
        squares = np.where(own, grown**2 * found / left, found)
        distances: NDArray[np.float64] = np.sqrt(squares)
        return distances


def ledoit_wolf(X: Vectors) -> ShrunkCovariance:
    """Return the covariance of rows, shrunk towards a multiple of the identity.

    The shrinkage is the one of least expected squared error (Ledoit and Wolf 2004). O(N D²) time,
    O(D²) memory beside the rows.

    Args:
        X: `[N, D]` float32.

    Raises:
        UsageError: there are fewer than 2 rows, or all are equal.
    """
    count, dim = X.shape
    if count < _FEWEST:
        raise UsageError(f"a spread needs at least 2 pictures; there are {count}")
    mean = X.mean(axis=0, dtype=np.float64)
    products, fourth = np.zeros((dim, dim)), 0.0
    for start in range(0, count, _AT_ONCE):
        away = X[start : start + _AT_ONCE].astype(np.float64) - mean
        products += away.T @ away
        fourth += float(((away * away).sum(axis=1) ** 2).sum())
    plain = products / count
    scale = float(np.trace(plain)) / dim
    if scale <= 0:
        raise UsageError(f"all {count} vectors are equal: nothing is far from the others")
    squares = float((plain * plain).sum())
    wide = (squares - dim * scale**2) / dim
    noise = min((fourth / count - squares) / (dim * count), wide)
    shrinkage = noise / wide if noise > 0 else 0.0
    covariance = (1 - shrinkage) * plain
    covariance[np.diag_indices(dim)] += shrinkage * scale
    return ShrunkCovariance(count, mean, covariance, shrinkage)

"""The plane in which vectors vary most, to look at them in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["PrincipalPlane", "principal_plane"]

_INSIDE: Final = 0.995
"""Share of the vectors it is fitted to that lie within the unit square in either direction."""


@dataclass(frozen=True)
class PrincipalPlane:
    """A plane through the mean of vectors, with a scale.

    Attributes:
        mean: `[D]` float64.
        axes: `[2, D]` float64, orthonormal; the entry of largest size in each is positive.
        middle: `[2]`, of the shown square, in the plane.
        half: `[2]`, half its sides.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    middle: NDArray[np.float64]
    half: NDArray[np.float64]

    def place(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return where vectors `[N, D]` lie, `[N, 2]` in [-1, 1]; what lies outside is at the edge.

        Vectors are placed one by one: others that come later move none. O(ND).
        """
        at = (vectors - self.mean) @ self.axes.T
        return np.clip((at - self.middle) / self.half, -1, 1).astype(np.float32)


def principal_plane(vectors: Vectors) -> PrincipalPlane:
    """Find the plane of largest variance by principal component analysis.

    Args:
        vectors: `[N, D]`; a few thousand tell the plane of many. O(N D^2).

    Example:
        >>> line = np.outer(np.linspace(-1, 1, 5), [0.6, 0.8, 0.0]).astype(np.float32)
        >>> principal_plane(line).place(line)[:, 0].round(1).tolist()
        [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    given = np.asarray(vectors, np.float64)
    dim = given.shape[1]
    mean = given.mean(axis=0) if len(given) else np.zeros(dim)
    centered = given - mean
    _, found = np.linalg.eigh(centered.T @ centered)
    axes = np.zeros((2, dim))
    axes[: min(2, dim)] = found[:, ::-1].T[:2]
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.where(axes[np.arange(2), largest] < 0, -1.0, 1.0)[:, None]
    at = centered @ axes.T
    if not len(given):
        return PrincipalPlane(mean, axes, np.zeros(2), np.ones(2))
    low, high = np.quantile(at, [1 - _INSIDE, _INSIDE], axis=0)
    # one unit is as long across as it is up, so that distances can be compared
    half = np.full(2, max(float((high - low).max()) / 2, 1e-9))
    return PrincipalPlane(mean, axes, (low + high) / 2, half)

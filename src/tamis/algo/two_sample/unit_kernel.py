"""A kernel summed over units, and the mean kernel of pairs of rows for any deal of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals

__all__ = ["DenseKernel", "FeatureKernel", "UnitKernel", "kernel_distance"]


class UnitKernel(Protocol):
    """Sums of a kernel over pairs of rows of different units.

    Attributes:
        sizes: `[G]` rows of each unit.
    """

    @property
    def sizes(self) -> NDArray[np.float64]:
        """`[G]` rows of each unit."""

    def sums(
        self, dealt: Deals
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return `[B]` sums over ordered pairs: inside the batch, outside, and from one to other.

        Args:
            dealt: `[B, G]` which units are the batch's.
        """


@dataclass(frozen=True)
class DenseKernel:
    """Every pair of units.

    Attributes:
        table: `[G, G]` float64 sums of the kernel over pairs of rows, 0 on the diagonal.
        sizes: `[G]` rows of each unit.
    """

    table: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def sums(
        self, dealt: Deals
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """See `UnitKernel`; O(B G²)."""
        batch = dealt.astype(np.float64)
        inside = np.einsum("bg,bg->b", batch @ self.table, batch)
        touching = batch @ self.table.sum(axis=1)
        across = touching - inside
        return inside, self.table.sum() - 2 * touching + inside, across


@dataclass(frozen=True)
class FeatureKernel:
    """A kernel that is the product of features.

    Attributes:
        totals: `[G, F]` sums of the features of each unit, float32 or float64.
        own: `[G]` squared lengths of them.
        sizes: `[G]` rows of each unit.
    """

    totals: NDArray[Any]
    own: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def of(cls, totals: NDArray[Any], sizes: NDArray[np.float64]) -> FeatureKernel:
        """Return the kernel of units whose features sum to `totals`."""
        return cls(totals, np.einsum("gf,gf->g", totals, totals, dtype=np.float64), sizes)

    def sums(
        self, dealt: Deals
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """See `UnitKernel`; O(B G F)."""
        batch = np.asarray(dealt.astype(self.totals.dtype) @ self.totals, np.float64)
        outside = self.totals.sum(axis=0, dtype=np.float64) - batch
        here = dealt.astype(np.float64) @ self.own
        return (
            np.einsum("bf,bf->b", batch, batch) - here,
            np.einsum("bf,bf->b", outside, outside) - (self.own.sum() - here),
            np.einsum("bf,bf->b", batch, outside),
        )


def kernel_distance(kernel: UnitKernel, dealt: Deals) -> NDArray[np.float64]:
    """Return `[B]` the mean kernel inside both sides less twice that across.

    The unbiased squared MMD (Gretton and others 2012, lemma 6) over pairs of rows of different
    units; NaN for a side without such a pair.
    """
    batch = dealt.astype(np.float64)
    rows, squares = batch @ kernel.sizes, batch @ kernel.sizes**2
    beyond, beyond_squares = kernel.sizes.sum() - rows, (kernel.sizes**2).sum() - squares
    inside, outside, across = kernel.sums(dealt)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance: NDArray[np.float64] = (
            inside / (rows**2 - squares)
            + outside / (beyond**2 - beyond_squares)
            - 2 * across / (rows * beyond)
        )
    few = (dealt.sum(axis=1) < 2) | ((~dealt).sum(axis=1) < 2)  # noqa: PLR2004 - a pair
    distance[few] = np.nan
    return distance

"""What turns unit vectors into logits: a few plain arrays, so that any runtime can do the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.unit_vectors import normalise_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Head", "LinearHead", "NeighborHead", "NetworkHead", "vote_shares"]

VOTE_TEMPERATURE: Final = 0.07
"""A neighbour votes with `exp(cosine / 0.07)` (Wu, Xiong, Yu and Lin, CVPR 2018)."""

_BLOCK_ROWS: Final = 4096


class Head(Protocol):
    """Gives logits, and can list its classes in another order."""

    def logits(self, rows: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` of unit vectors `[N, D]`."""

    def in_order(self, number: Indices) -> Head:
        """Return the head whose class k is class `number[k]` of this one."""


@dataclass(frozen=True)
class LinearHead:
    """`logits = rows @ weights.T + offset`.

    Attributes:
        weights: `[K, D]` float64.
        offset: `[K]` float64.
        centre: `[D]` float64, from where a row is seen as a direction: it is subtracted, and what
            is left brought to length 1; None for rows as they are.
    """

    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    centre: NDArray[np.float64] | None = None

    def logits(self, rows: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` of unit vectors `[N, D]`. O(NDK)."""
        wide = rows.astype(np.float64)
        if self.centre is not None:
            wide = normalise_rows(wide - self.centre)
        logits: NDArray[np.float64] = wide @ self.weights.T + self.offset
        return logits

    def in_order(self, number: Indices) -> LinearHead:
        """Return the head whose class k is class `number[k]` of this one."""
        return replace(self, weights=self.weights[number], offset=self.offset[number])


@dataclass(frozen=True)
class NetworkHead:
    """A network of two layers: `logits = relu(rows @ inner.T + bias) @ outer.T + offset`.

    Attributes:
        inner: `[H, D]` float64.
        bias: `[H]` float64.
        outer: `[K, H]` float64.
        offset: `[K]` float64.
    """

    inner: NDArray[np.float64]
    bias: NDArray[np.float64]
    outer: NDArray[np.float64]
    offset: NDArray[np.float64]

    def logits(self, rows: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` of unit vectors `[N, D]`. O(NDH)."""
        hidden = np.maximum(rows.astype(np.float64) @ self.inner.T + self.bias, 0.0)
        logits: NDArray[np.float64] = hidden @ self.outer.T + self.offset
        return logits

    def in_order(self, number: Indices) -> NetworkHead:
        """Return the head whose class k is class `number[k]` of this one."""
        return replace(self, outer=self.outer[number], offset=self.offset[number])


@dataclass(frozen=True)
class NeighborHead:
    """The logarithm of the share of votes that each class gets from the nearest labelled rows.

    Attributes:
        rows: `[S, D]` float32 labelled unit vectors.
        votes: `[S, K]` float64, what each says of the classes; rows sum to 1.
        k: how many vote.
    """

    rows: Vectors
    votes: NDArray[np.float64]
    k: int

    def logits(self, rows: Vectors) -> NDArray[np.float64]:
        """Return `[N, K]` of unit vectors `[N, D]`. O(N S D)."""
        indices, similarities = exact_search(
            np.ascontiguousarray(rows, dtype=np.float32), self.rows, min(self.k, len(self.rows))
        )
        logits: NDArray[np.float64] = np.log(vote_shares(indices, similarities, self.votes))
        return logits

    def in_order(self, number: Indices) -> NeighborHead:
        """Return the head whose class k is class `number[k]` of this one."""
        return replace(self, votes=self.votes[:, number])


def vote_shares(
    indices: Indices, similarities: NDArray[Any], votes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of each class among the votes of neighbours, `[N, K]`; rows sum to 1.

    Nearer ones count more, and one vote for each class alike, shared out among the classes, is
    added to the k: so that none has no chance. O(N k K).

    Args:
        indices: `[N, k]` neighbours, rows of `votes`; a negative one does not vote.
        similarities: `[N, k]` cosines.
        votes: `[S, K]` what each row says.
    """
    n, k = indices.shape
    n_classes = votes.shape[1]
    shares = np.full((n, n_classes), 1.0 / n_classes)
    if k == 0:
        return shares
    near = np.asarray(similarities, dtype=np.float64)
    weights = np.exp((near - near.max(axis=1, keepdims=True)) / VOTE_TEMPERATURE)
    weights = np.where(indices >= 0, weights, 0.0)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    for begin in range(0, n, _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        cast = np.einsum("nk,nkc->nc", weights[block], votes[indices[block]])
        shares[block] = (k * cast + shares[block]) / (k * cast.sum(axis=1, keepdims=True) + 1.0)
    return shares

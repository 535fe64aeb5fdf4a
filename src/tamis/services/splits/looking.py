"""The pairs that are looked at by their pixels before a split, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import connected_components, join_groups
from tamis.algo.cross_split import closest_across
from tamis.algo.neighbors import knn_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.services.splits.evidence import Evidence
    from tamis.services.splits.pixels import Verdicts
    from tamis.types import Indices, Vectors

__all__ = ["Looked", "candidates", "look"]

# A pair of one view costs 40 ms, and where a view is shared all pairs are of one.
_NEAREST_OF_EACH, _LEAST_CANDIDATES, _MOST_CANDIDATES = 3, 50, 10_000


@dataclass(frozen=True)
class Looked:
    """Pairs of N pictures, each once, and their verdicts.

    Attributes:
        n: the number of pictures.
        left: `[P]` rows.
        right: `[P]` rows.
        hashed: `[P]` whether their perceptual hashes are equal.
        over: `[P]` whether their vectors are at or over the threshold.
        verdicts: by their pixels.
    """

    n: int
    left: Indices
    right: Indices
    hashed: NDArray[np.bool_]
    over: NDArray[np.bool_]
    verdicts: Verdicts

    def taken(self, inside: NDArray[np.bool_]) -> Looked:
        """Return the pairs of those of the pictures that `inside` `[N]` says, numbered afresh."""
        number = np.cumsum(inside) - 1
        both = inside[self.left] & inside[self.right]
        return Looked(
            n=int(inside.sum()),
            left=number[self.left[both]],
            right=number[self.right[both]],
            hashed=self.hashed[both],
            over=self.over[both],
            verdicts=self.verdicts.taken(both),
        )

    def joined(self, columns: list[Indices], pairs: NDArray[np.bool_]) -> Indices:
        """Return the finest groups that hold together these columns and these pairs, `[P]` bool."""
        chained = connected_components(self.n, self.left[pairs], self.right[pairs])
        return join_groups([*columns, chained])


def candidates(n: int) -> int:
    """How many of the most similar pairs are compared by their pixels."""
    return min(_MOST_CANDIDATES, max(_LEAST_CANDIDATES, n))


def look(evidence: Evidence, groups: Indices) -> Looked:
    """Compare the pairs that may be copies and that no group joins.

    They are the most similar of all, each picture's nearest, and some of each perceptual hash.
    The lines are calibrated on them, without a seed, where `duplicates` drew none. Where its
    marks stand it has compared more than these, and nothing is compared again.

    Args:
        evidence: the pictures; calibrated here if it was not.
        groups: `[N]` what is joined already.
    """
    n, known, pixels = len(evidence), evidence.known, evidence.pixels
    keys = equal = np.empty(0, np.int64)
    if not (known.marked and pixels.calibrated and pixels.shown.all()):
        near = closest_across(
            evidence.samples.vectors, np.arange(n), most=candidates(n), rng=np.random.default_rng(0)
        )
        keys = np.union1d(near.left * n + near.right, _nearest_of_each(evidence.samples.vectors))
    if known.hashes is not None:
        equal = _equal_hashes(known.hashes)
        keys = np.union1d(keys, equal)
    left, right = np.divmod(keys, n)
    if not pixels.calibrated:
        pixels.calibrate(left, right)
    fresh = groups[left] != groups[right]
    left, right, hashed = left[fresh], right[fresh], np.isin(keys[fresh], equal)
    over = np.zeros(left.size, np.bool_)
    if known.threshold is not None:
        over = evidence.similarity(left, right) >= known.threshold
    return Looked(n, left, right, hashed, over, pixels.compare(left, right))


def _nearest_of_each(vectors: Vectors) -> Indices:
    """Keys of the pairs of each picture with its nearest.

    Where many pictures are alike, the most similar pairs of all may leave out a picture's copy.
    """
    n = len(vectors)
    each = min(_NEAREST_OF_EACH, _MOST_CANDIDATES // n)
    if n == 1 or each == 0:
        return np.empty(0, np.int64)
    other = knn_graph(vectors, each, rng=np.random.default_rng(0)).indices
    rows = np.arange(n)[:, None]
    return np.unique(np.minimum(rows, other) * n + np.maximum(rows, other))


def _equal_hashes(hashes: Indices) -> Indices:
    """Keys of pairs that chain each group of equal hashes, and star it from its first row."""
    n = len(hashes)
    rows = np.flatnonzero(hashes >= 0)
    rows = rows[np.argsort(hashes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(hashes[rows], prepend=-1))
    first = np.repeat(rows[starts], np.diff(starts, append=rows.size))
    same = hashes[rows[1:]] == hashes[rows[:-1]]
    keys = np.concatenate([rows[:-1][same] * n + rows[1:][same], (first * n + rows)[first != rows]])
    return np.unique(keys)

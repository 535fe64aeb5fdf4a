"""What a report measures on vectors: how typical pictures are, how far splits lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.neighbors import knn_graph, knn_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["NEIGHBORS", "CrossPair", "Typicality", "closest_across", "typicality"]

NEIGHBORS = 10
"""Neighbours that decide how typical a picture is."""


@dataclass(frozen=True)
class Typicality:
    """How much like the others each picture is.

    Attributes:
        nearest: `[N]` cosine similarity to the most similar other picture.
        typical: `[N]` mean cosine similarity to the `NEIGHBORS` most similar others.
        recall: share of the true neighbours that the search found; 1 if exact.
    """

    nearest: NDArray[np.float32]
    typical: NDArray[np.float32]
    recall: float


@dataclass(frozen=True)
class CrossPair:
    """The two most similar pictures of different splits, as rows, and their similarity."""

    left: int
    right: int
    similarity: float


def typicality(vectors: Vectors, rng: np.random.Generator) -> Typicality | None:
    """Measure each picture against its nearest neighbours; None with fewer than two pictures.

    Costs one k-NN graph.
    """
    if len(vectors) < 2:  # noqa: PLR2004 - one picture has no neighbour
        return None
    graph = knn_graph(vectors, NEIGHBORS, rng=rng)
    return Typicality(
        nearest=graph.similarities[:, 0],
        typical=graph.similarities.mean(axis=1, dtype=np.float64).astype(np.float32),
        recall=graph.recall_estimate,
    )


def closest_across(vectors: Vectors, splits: Sequence[str | None]) -> CrossPair | None:
    """Find the most similar pair of rows of different splits; None with fewer than two splits.

    O(N²D) over the rows that have a split.
    """
    names = sorted({name for name in splits if name is not None})
    if len(names) < 2:  # noqa: PLR2004 - a pair needs two splits
        return None
    of = np.array([-1 if name is None else names.index(name) for name in splits])
    best: CrossPair | None = None
    for number in range(1, len(names)):
        here, before = np.flatnonzero(of == number), np.flatnonzero((of >= 0) & (of < number))
        indices, similarities = knn_search(vectors[here], vectors[before], 1)
        row = int(similarities[:, 0].argmax())
        found = float(similarities[row, 0])
        if best is None or found > best.similarity:
            best = CrossPair(int(here[row]), int(before[indices[row, 0]]), found)
    return best

"""What a report measures on vectors: typicality, coverage, distance between splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.neighbors import knn_graph, knn_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = [
    "NEIGHBORS",
    "Coverage",
    "CrossPair",
    "Typicality",
    "closest_across",
    "cover",
    "typicality",
]

NEIGHBORS = 10
"""Neighbours that decide how typical a picture is."""

_PROBES = 20_000
"""Pictures that coverage is measured on at most; more would not move the third digit."""

_DRAWS = 5
"""Random selections that a selection is compared with."""


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
class Coverage:
    """How well a selection stands for all pictures.

    Attributes:
        selected: mean over the pictures of the cosine similarity to the nearest selected one.
        chance: the same for as many pictures drawn at random, mean of several draws.
        worst: the lowest similarity of any measured picture to its nearest selected one.
        measured: pictures it was measured on.
    """

    selected: float
    chance: float
    worst: float
    measured: int


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


def cover(vectors: Vectors, selected: Indices, rng: np.random.Generator) -> Coverage:
    """Measure how near the selected rows come to all rows, beside random selections.

    O(min(N, 20,000) x n x D) for n selected rows.

    Args:
        vectors: `[N, D]` unit vectors.
        selected: `[n]` rows, at least one.
        rng: draws the random selections, and the pictures to measure on where there are many.
    """
    probes = (
        vectors
        if len(vectors) <= _PROBES
        else vectors[rng.choice(len(vectors), _PROBES, replace=False)]
    )
    nearest = knn_search(probes, vectors[selected], 1)[1][:, 0]
    chances = []
    for _ in range(_DRAWS):
        drawn = rng.choice(len(vectors), len(selected), replace=False)
        chances.append(float(knn_search(probes, vectors[drawn], 1)[1].mean(dtype=np.float64)))
    return Coverage(
        selected=float(nearest.mean(dtype=np.float64)),
        chance=float(np.mean(chances)),
        worst=float(nearest.min()),
        measured=len(probes),
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

"""How typical of a dataset each picture is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.neighbors import knn_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["NEIGHBORS", "Typicality", "typicality"]

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

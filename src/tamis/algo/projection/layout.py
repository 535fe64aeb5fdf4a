"""A layout of vectors in the plane in which neighbors stay neighbors: t-SNE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.neighbors import knn_graph
from tamis.algo.principal_plane import principal_plane
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import MissingExtraError, UsageError
from tamis.types import no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Progress, Vectors

__all__ = ["FEWEST_ROWS", "neighbor_layout"]

FEWEST_ROWS: Final = 12
"""Fewer have no neighborhoods to keep."""

_PERPLEXITY: Final = 30
_NEIGHBORS_A_PERPLEXITY: Final = 3
_EARLY: Final = 250
_LATE: Final = 500
_EXAGGERATION: Final = 12
_STEP: Final = 10
_START: Final = 1e-4
_MARGIN: Final = 1.04
_FEW: Final = 10_000
"""Rows under which a tree of forces costs less than a grid of them."""


def neighbor_layout(
    X: NDArray[Any],
    *,
    rng: np.random.Generator,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Vectors:
    """Place rows in the plane by t-SNE (van der Maaten and Hinton 2008), as openTSNE computes it.

    It starts from the principal plane (Kobak and Berens 2019). Forces are summed over a tree (van
    der Maaten 2014) or, from 10,000 rows, interpolated on a grid (Linderman et al. 2019). Neighbors
    come from `tamis.algo.neighbors`, so that nothing is drawn by chance but an inverted file above
    50,000 rows. The number of threads changes nothing. 750 iterations of O(N log N) or O(N) after
    the k-NN graph; some 2 kB a row.

    Args:
        X: `[N, D]` unit vectors in an order that does not depend on how they came.
        rng: trains and samples the inverted file.
        threads: to work with.
        progress: told `(done, total)` in iterations.

    Returns:
        `[N, 2]` float32 in [-1, 1], one unit as long across as up.

    Raises:
        MissingExtraError: openTSNE is not installed.
        UsageError: there are under 12 rows, or `X` is not made of unit vectors.
    """
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ModuleNotFoundError as error:
        raise MissingExtraError("a map that keeps neighbors", "map") from error
    vectors = unit_vectors(X)
    count = len(vectors)
    if count < FEWEST_ROWS:
        raise UsageError(f"{count} pictures have no neighborhoods to map; {FEWEST_ROWS} or more do")
    perplexity = min(_PERPLEXITY, (count - 1) / _NEIGHBORS_A_PERPLEXITY)
    graph = knn_graph(vectors, int(_NEIGHBORS_A_PERPLEXITY * perplexity), rng=rng)
    apart = np.sqrt(np.maximum(2.0 - 2.0 * graph.similarities.astype(np.float64), 0.0))
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(graph.indices, apart),
        perplexity=perplexity,
        n_jobs=threads,
        random_state=0,
    )
    plane = principal_plane(vectors).place(vectors).astype(np.float64)
    spread = max(float(plane[:, 0].std()), 1e-12)
    embedding: Any = TSNEEmbedding(
        plane / spread * _START,
        affinities,
        negative_gradient_method="bh" if count < _FEW else "fft",
        n_jobs=threads,
        random_state=0,
    )
    total = _EARLY + _LATE
    for begin in range(0, total, _STEP):
        progress(begin, total)
        early = begin < _EARLY
        embedding.optimize(
            n_iter=_STEP,
            inplace=True,
            exaggeration=_EXAGGERATION if early else 1,
            momentum=0.5 if early else 0.8,
            n_jobs=threads,
        )
    progress(total, total)
    return _in_square(np.asarray(embedding, np.float64))


def _in_square(places: NDArray[np.float64]) -> Vectors:
    low, high = places.min(axis=0), places.max(axis=0)
    half = max(float((high - low).max()) / 2 * _MARGIN, 1e-12)
    inside: Vectors = ((places - (low + high) / 2) / half).astype(np.float32)
    return inside

"""Which rows to label next: the most representative, and a share of the most different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.coverage import Coverage, compare_with_random
from tamis.algo.exact_neighbors import exact_search
from tamis.algo.facility_location import facility_location
from tamis.algo.k_center import k_center
from tamis.algo.neighbors import knn_graph
from tamis.algo.outliers import distance_outliers
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["STRATEGIES", "Picks", "Strategy", "select"]

Strategy = Literal["default", "facility-location", "k-center", "random"]
"""`default`: facility location, then k-center for the diverse share."""

STRATEGIES: tuple[str, ...] = get_args(Strategy)

_GRAPH_NEIGHBORS = 32


@dataclass(frozen=True)
class Picks:
    """The rows picked, in the order in which they were picked, and why.

    Attributes:
        indices: `[n]` int64 row numbers, no row twice.
        kinds: `[n]` what picked each: `representative`, `diverse` or `random`.
        scores: `[n]` float64: what the pick added to the mean similarity of all rows to their
            nearest pick (representative), its cosine distance to everything picked before
            (diverse), or 0 (random).
        represents: `[n]` int64, how many rows have the pick as their nearest pick, itself included.
        distances: `[n]` float64, cosine distance to the nearest other pick or row that had to be
            there; 2 where there is none.
        outlier: `[n]` bool, whether the pick is an outlier among all rows.
        outliers: how many outliers there are among all rows.
        coverage: the picks' coverage beside random picks'; None where nothing was picked.
        graph_method: the neighbour kernel that ran.
        graph_recall: its recall, measured; 1 if exact.
    """

    indices: Indices
    kinds: tuple[str, ...]
    scores: NDArray[np.float64]
    represents: Indices
    distances: NDArray[np.float64]
    outlier: NDArray[np.bool_]
    outliers: int
    coverage: Coverage | None
    graph_method: str
    graph_recall: float

    @property
    def outliers_taken(self) -> int:
        """How many outliers are among the picks."""
        return int(self.outlier.sum())


def select(
    X: NDArray[Any],
    n: int,
    *,
    strategy: Strategy = "default",
    diverse: float = 0.2,
    must: Indices | None = None,
    forbidden: Indices | None = None,
    rng: np.random.Generator,
) -> Picks:
    """Pick `n` rows that stand for all rows.

    Rows are put in an order of their content first, so the same rows are picked, in the same
    order, whatever order they come in; only identical rows can stand for each other. The cost is
    that of `knn_graph`, `facility_location` and `k_center`, and one copy of `X`.

    Args:
        X: `[N, D]` unit vectors.
        n: how many to pick; all that may be picked if there are fewer.
        strategy: how to pick.
        diverse: share of `n`, in [0, 1], that the default strategy picks by k-center.
        must: `[L]` rows that are picked already, e.g. labelled: they represent others, count
            in the coverage, and are not among the picks.
        forbidden: `[F]` rows that may not be picked, but are to be represented.
        rng: the only source of chance.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [0, -1]])
        >>> picks = select(X, 2, diverse=0.5, rng=np.random.default_rng(0))
        >>> picks.indices, picks.kinds
        (array([1, 4]), ('representative', 'diverse'))
    """
    if strategy not in STRATEGIES:
        raise UsageError(f"strategy must be one of {', '.join(STRATEGIES)}, not {strategy!r}")
    if not 0.0 <= diverse <= 1.0:
        raise UsageError(f"the diverse share must be between 0 and 1, not {diverse}")
    if n < 0:
        raise UsageError(f"the number of rows to pick must be 0 or more, not {n}")
    vectors = unit_vectors(X)
    order = canonical_order(vectors)
    vectors = vectors[order]
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    chosen = _places(must, place, "must")
    candidates = np.setdiff1d(place, np.union1d(chosen, _places(forbidden, place, "forbidden")))
    n = min(n, candidates.size)

    graph = knn_graph(vectors, _GRAPH_NEIGHBORS, rng=rng)
    if strategy == "random":
        random = rng.choice(candidates, n, replace=False)
        representative, far = random[:0], random[:0]
        scores = np.zeros(n)
    else:
        share = {"default": diverse, "facility-location": 0.0, "k-center": 1.0}[strategy]
        n_far = round(share * n)
        random = candidates[:0]
        greedy = facility_location(
            vectors, n - n_far, candidates=candidates, chosen=chosen, graph=graph, rng=rng
        )
        representative = greedy.indices
        farthest = k_center(
            vectors,
            n_far,
            candidates=np.setdiff1d(candidates, representative),
            chosen=np.concatenate([chosen, representative]),
        )
        far = farthest.indices
        scores = np.concatenate([greedy.gains / max(1, order.size), farthest.gains])
    picked = np.concatenate([random, representative, far])
    outlier = distance_outliers(graph)
    represents, distances = _roles(vectors, picked, chosen)
    return Picks(
        indices=order[picked],
        kinds=("random",) * random.size
        + ("representative",) * representative.size
        + ("diverse",) * far.size,
        scores=scores,
        represents=represents,
        distances=distances,
        outlier=outlier[picked],
        outliers=int(outlier.sum()),
        coverage=compare_with_random(
            vectors, picked, candidates=candidates, chosen=chosen, rng=rng
        ),
        graph_method=graph.method,
        graph_recall=graph.recall_estimate,
    )


def _places(rows: Indices | None, place: Indices, name: str) -> Indices:
    numbers = np.empty(0, dtype=np.int64) if rows is None else np.unique(rows)
    if numbers.size and (numbers[0] < 0 or numbers[-1] >= place.size):
        raise UsageError(
            f"{name} rows must be from 0 to {place.size - 1}, not {numbers[0]} to {numbers[-1]}"
        )
    return np.sort(place[numbers])


def _roles(X: Any, picked: Indices, chosen: Indices) -> tuple[Indices, NDArray[np.float64]]:
    """Count the rows that each pick is nearest to, and measure how far it is from the others."""
    everything = np.concatenate([picked, chosen])
    if picked.size == 0:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    nearest, _ = exact_search(X, X[everything], 1)
    represents = np.bincount(nearest[:, 0], minlength=everything.size)[: picked.size]
    if everything.size == 1:
        return represents, np.array([2.0])
    near, similarity = exact_search(X[picked], X[everything], 2)
    other = np.where(near[:, 0] == np.arange(picked.size), 1, 0)
    distance = 1.0 - similarity[np.arange(picked.size), other].astype(np.float64)
    return represents, np.maximum(distance, 0.0)

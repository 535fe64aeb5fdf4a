"""Which labels to look at first: where one look is expected to set most right."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.greedy.lazy import GreedyPicks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices

__all__ = ["review_first"]


def review_first(
    graph: KnnGraph,
    confidence: NDArray[np.float64],
    n: int,
    *,
    candidates: Indices | None = None,
    groups: Indices | None = None,
) -> GreedyPicks:
    """Order rows by how many errors a look at each is expected to settle, given those before it.

    A row is wrong with the chance 1 - confidence. A look at one settles it, and its neighbours as
    far as they are like it (cosine cubed, as labels flow along the graph); what earlier looks
    settled counts no more, so that the queue does not stay in one corner. The sum is submodular:
    greedy picks reach 1 - 1/e of the most that n looks can settle (Nemhauser et al. 1978), lazily
    (Minoux 1978). O(N k) and few gains a pick.

    Args:
        graph: nearest neighbours of all rows.
        confidence: `[N]` probability that the label of each row is right; 1 where it is known.
        n: how many to pick.
        candidates: rows that may be picked; None for all of confidence under 1.
        groups: `[N]` near-duplicates, which one look settles together.

    Returns:
        Rows and their gains: expected numbers of errors.

    Example:
        >>> from tamis.algo.neighbors import knn_graph
        >>> X = np.array([[1, 0], [0.98, 0.199], [0, 1]])
        >>> graph = knn_graph(X, 1, rng=np.random.default_rng(0))
        >>> review_first(graph, np.array([0.6, 0.6, 0.5]), 2).indices.tolist()
        [0, 2]
    """
    doubt = 1.0 - np.asarray(confidence, np.float64)
    open_rows = np.flatnonzero(doubt > 0) if candidates is None else np.sort(candidates)
    likeness = np.maximum(graph.similarities.astype(np.float64), 0.0) ** 3
    settled = np.zeros(doubt.size)
    members = _members(groups, doubt.size)

    def reach(row: int) -> tuple[Indices, NDArray[np.float64]]:
        same = members(row)
        near = ~np.isin(graph.indices[row], same)
        rows = np.concatenate([same, graph.indices[row][near]])
        return rows, np.concatenate([np.ones(same.size), likeness[row][near]])

    def gain(row: int) -> float:
        rows, values = reach(row)
        return float((doubt[rows] * np.maximum(values - settled[rows], 0.0)).sum())

    queue = [(-gain(row), row, 0) for row in open_rows.tolist()]
    heapq.heapify(queue)
    picks: list[int] = []
    gains: list[float] = []
    while queue and len(picks) < n:
        negative, row, known_at = heapq.heappop(queue)
        if known_at < len(picks):
            heapq.heappush(queue, (-min(gain(row), -negative), row, len(picks)))
            continue
        picks.append(row)
        gains.append(-negative)
        rows, values = reach(row)
        settled[rows] = np.maximum(settled[rows], values)
    return GreedyPicks(np.array(picks, np.int64), np.array(gains, np.float64))


def _members(groups: Indices | None, n: int) -> Callable[[int], Indices]:
    if groups is None:
        return lambda row: np.array([row])
    order = np.argsort(groups, kind="stable")
    names, start = np.unique(groups[order], return_index=True)
    end = np.append(start[1:], n)
    place = np.searchsorted(names, groups)
    return lambda row: order[start[place[row]] : end[place[row]]]

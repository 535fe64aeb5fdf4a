"""Labels that flow along a graph of nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Vectors

__all__ = ["AT_ONCE", "Diffusion", "affinities"]

_POWER: Final = 3
_STEPS: Final = 20
_TOLERANCE: Final = 1e-6
AT_ONCE: Final = 32
"""Sources spread at once: more take memory, fewer take time."""


def affinities(graph: KnnGraph) -> csr_array:
    """Return the symmetric `[N, N]` weights of a graph: `max(cosine, 0)³`, the mean of both ways.

    O(N k) time and memory.
    """
    n, k = graph.indices.shape
    weights = 0.5 * np.maximum(graph.similarities, 0.0) ** _POWER
    narrow = np.int32 if n * k <= np.iinfo(np.int32).max else np.int64
    start = np.arange(n + 1, dtype=narrow) * narrow(k)
    near = graph.indices.ravel().astype(narrow)
    one_way = csr_array((weights.ravel(), near, start), shape=(n, n))
    both = csr_array(one_way + one_way.T)
    both.sort_indices()
    return both


class Diffusion:
    """Personalised diffusion: `(I - a S)⁻¹ (1 - a) y` for the normalised weights S of a graph.

    `S = D^-½ W D^-½` (Zhou, Bousquet, Lal, Weston and Schölkopf, NIPS 2004), by conjugate
    gradients on all columns at once (Iscen, Tolias, Avrithis and Chum, CVPR 2019): at most 20
    steps of O(N k C). A row that no path joins to a source gets 0.

    Args:
        weights: `[N, N]` symmetric, not negative.
        alpha: share that flows on, in [0, 1).

    Example:
        >>> chain = csr_array(np.array([[0, 1.0, 0], [1, 0, 0], [0, 0, 0]]))
        >>> spread = Diffusion(chain, 0.5).spread(np.array([[1.0], [0], [0]]))
        >>> spread.astype(float).round(3).ravel().tolist()
        [0.667, 0.333, 0.0]
    """

    def __init__(self, weights: csr_array, alpha: float = 0.99) -> None:
        degree = np.asarray(weights.sum(axis=1, dtype=np.float64)).ravel()
        root = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
        root = root.astype(np.float32)
        # neighbors beside each other in memory: each is read for many rows
        self._order = reverse_cuthill_mckee(weights, symmetric_mode=True)
        flow = csr_array(weights.astype(np.float32, copy=False)[self._order])
        del weights
        place = np.empty_like(self._order)
        place[self._order] = np.arange(place.size, dtype=place.dtype)
        # columns are renumbered in place, since a copy of the graph is most of the memory
        flow.indices = place[flow.indices].astype(flow.indices.dtype, copy=False)
        flow.has_sorted_indices = False
        root = root[self._order]
        flow.data *= np.repeat(root, np.diff(flow.indptr))
        flow.data *= root[flow.indices]
        self._flow = flow
        self._alpha = np.float32(alpha)

    def spread(self, sources: NDArray[Any]) -> Vectors:
        """Return `[N, C]`, how much of the sources `[N, C]` reaches each row."""
        reached = np.empty(sources.shape, np.float32)
        for begin in range(0, sources.shape[1], AT_ONCE):
            columns = slice(begin, begin + AT_ONCE)
            reached[self._order, columns] = self._solve(sources[self._order, columns])
        return reached

    def _solve(self, sources: NDArray[Any]) -> Vectors:
        residual = (1.0 - self._alpha) * sources.astype(np.float32)
        reached, scaled = np.zeros_like(residual), np.empty_like(residual)
        direction = residual.copy()
        square = _squares(residual, residual)
        enough = _TOLERANCE**2 * square
        for _ in range(_STEPS):
            if (square <= enough).all():
                break
            image = self._flow @ direction
            image *= -self._alpha
            image += direction
            along = _squares(direction, image)
            step = np.divide(square, along, out=np.zeros_like(square), where=along > 0)
            reached += np.multiply(direction, step, out=scaled)
            residual -= np.multiply(image, step, out=scaled)
            following = _squares(residual, residual)
            turn = np.divide(following, square, out=np.zeros_like(square), where=square > 0)
            direction *= turn
            direction += residual
            square = following
        return np.maximum(reached, 0.0, out=reached)


def _squares(a: Vectors, b: Vectors) -> Vectors:
    products: Vectors = np.einsum("nc,nc->c", a, b)
    return products

"""Labels that flow along a graph of nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph

__all__ = ["Diffusion", "affinities"]

_POWER: Final = 3
_STEPS: Final = 20
_TOLERANCE: Final = 1e-6


def affinities(graph: KnnGraph) -> csr_array:
    """Return the symmetric `[N, N]` weights of a graph: `max(cosine, 0)³`, the mean of both ways.

    O(N k) time and memory.
    """
    n, k = graph.indices.shape
    weights = np.maximum(graph.similarities.astype(np.float64), 0.0) ** _POWER
    start = np.arange(0, n * k + 1, k) if k else np.zeros(n + 1, np.int64)
    one_way = csr_array((weights.ravel(), graph.indices.ravel(), start), shape=(n, n))
    both = csr_array(0.5 * (one_way + one_way.T))
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
        >>> Diffusion(chain, 0.5).spread(np.array([[1.0], [0], [0]])).round(3).ravel().tolist()
        [0.667, 0.333, 0.0]
    """

    def __init__(self, weights: csr_array, alpha: float = 0.99) -> None:
        degree = np.asarray(weights.sum(axis=1)).ravel()
        root = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
        scaled = weights.copy()
        scaled.data = scaled.data * np.repeat(root, np.diff(scaled.indptr)) * root[scaled.indices]
        self._flow = scaled
        self._alpha = alpha

    def spread(self, sources: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `[N, C]`, how much of the sources `[N, C]` reaches each row."""
        residual = (1.0 - self._alpha) * sources
        reached = np.zeros_like(residual)
        direction = residual.copy()
        square = (residual**2).sum(axis=0)
        enough = _TOLERANCE**2 * square
        for _ in range(_STEPS):
            if (square <= enough).all():
                break
            image = direction - self._alpha * (self._flow @ direction)
            along = (direction * image).sum(axis=0)
            step = np.divide(square, along, out=np.zeros_like(square), where=along > 0)
            reached += step * direction
            residual -= step * image
            following = (residual**2).sum(axis=0)
            turn = np.divide(following, square, out=np.zeros_like(square), where=square > 0)
            direction = residual + turn * direction
            square = following
        return np.maximum(reached, 0.0)

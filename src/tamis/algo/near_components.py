"""Connected components of the graph of near pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis.algo.components import connected_components
from tamis.algo.neighbors.near_tiles import SIMILARITY_ROUNDING, near_tiles
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors.inverted_file import Method
    from tamis.types import Indices

__all__ = ["NearComponents", "near_components"]

_PAIRS_HELD = 4_000_000


@dataclass(frozen=True)
class NearComponents:
    """The component of each row.

    Attributes:
        labels: `[N]` int64, numbered by their lowest row.
        method: the kernel that ran.
    """

    labels: Indices
    method: Literal["exact", "ivf"]


def near_components(
    X: NDArray[Any],
    threshold: float,
    *,
    method: Method = "auto",
    rng: np.random.Generator,
) -> NearComponents:
    """Join rows whose cosine similarity is at least `threshold`, directly or through others.

    Pairs are joined as they are found and not stored, so memory is O(N) however many there are.
    Both kernels find all pairs. Time O(N²D) for the exact kernel, about O(N^1.5 D) for clustered
    rows by inverted file, as in `pairs_over`.

    Args:
        X: `[N, D]` unit vectors.
        threshold: cosine similarity in [-1, 1].
        method: as in `knn_graph`.
        rng: trains the inverted file; does not affect the labels.

    Raises:
        UsageError: `X` is not made of finite unit vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0.28, 0.96], [-1, 0]])
        >>> near_components(X, 0.75, rng=np.random.default_rng(0)).labels
        array([0, 0, 0, 1])
    """
    vectors = unit_vectors(X)
    if not -1.0 <= threshold <= 1.0:
        raise UsageError(f"the threshold must be a cosine similarity in [-1, 1], not {threshold}")
    n = vectors.shape[0]
    lowest = np.float32(threshold - SIMILARITY_ROUNDING)
    kind, tiles = near_tiles(vectors, threshold, method, rng)
    labels = np.arange(n)
    left: list[Indices] = []
    right: list[Indices] = []
    held = 0
    for tile in tiles:
        near = np.flatnonzero(tile.similarities >= lowest)
        i, j = np.divmod(near, tile.columns.size)
        left.append(labels[tile.rows[i]])
        right.append(labels[tile.columns[j]])
        held += near.size
        if held > _PAIRS_HELD:
            labels = connected_components(n, np.concatenate(left), np.concatenate(right))[labels]
            left, right, held = [], [], 0
    if left:
        labels = connected_components(n, np.concatenate(left), np.concatenate(right))[labels]
    # Merging in several passes leaves gaps in the numbering, so number the labels anew.
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return NearComponents(rank[inverse], kind)

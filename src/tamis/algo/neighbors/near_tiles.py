"""All pairs of rows that may reach a similarity, one tile at a time, by the faster kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from tamis.algo.exact_neighbors import Tile, upper_tiles
from tamis.algo.neighbors.inverted_file import Method, file_for, inverted_tiles, worthwhile
from tamis.algo.neighbors.reach import reach_for_similarity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.algo.neighbors.inverted_file import InvertedFile
    from tamis.types import Vectors

__all__ = ["SIMILARITY_ROUNDING", "near_tiles", "near_tiles_of", "pair_tiles"]

SIMILARITY_ROUNDING = 4e-6
"""The float32 cosine of two identical rows may be this far below 1; thresholds allow for it."""


def near_tiles(
    X: Vectors, threshold: float, method: Method, rng: np.random.Generator
) -> tuple[Literal["exact", "ivf"], Iterator[Tile]]:
    """Return the kernel used, and tiles that contain every pair at or above a similarity once.

    Both kernels give the same pairs. Tiles may contain other pairs too; entries that are not pairs,
    or repeat one, are -inf. Each tile overwrites the one before. The exact kernel takes O(N²D)
    time; for the inverted file see `inverted_tiles`.

    Args:
        X: `[N, D]` unit vectors.
        threshold: cosine similarity, with a tolerance of `SIMILARITY_ROUNDING`.
        method: `auto` uses an inverted file for more than 50,000 rows, if reading all cells that
            may contain a near row is faster than the exact kernel.
        rng: trains the inverted file and estimates whether it is faster.

    Raises:
        UsageError: there is no such method.
    """
    return near_tiles_of(X, file_for(X, method, rng), threshold, method, rng)


def near_tiles_of(
    X: Vectors,
    file: InvertedFile | None,
    threshold: float,
    method: Method,
    rng: np.random.Generator,
) -> tuple[Literal["exact", "ivf"], Iterator[Tile]]:
    """Like `near_tiles`, with an existing inverted file."""
    reach = reach_for_similarity(threshold - SIMILARITY_ROUNDING)
    if file is None or (method == "auto" and not worthwhile(X, file, reach, rng)):
        return "exact", pair_tiles(X)
    return "ivf", inverted_tiles(X, file, reach)


def pair_tiles(X: Vectors) -> Iterator[Tile]:
    """Yield the similarities of all pairs, each once; the rest of a tile is -inf. O(N²D) time."""
    for tile in upper_tiles(X):
        if tile.rows[0] == tile.columns[0]:
            tile.similarities[np.tril_indices(tile.rows.size)] = -np.inf
        yield tile

"""Candidate pairs of duplicates, and which picture of each group to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.neighbors import knn_graph
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = [
    "greedy_leader",
    "hash_candidates",
    "mirrored_hashes",
    "pair_keys",
    "turned_candidates",
    "turned_hashes",
    "vector_candidates",
]

# Columns of odd frequency in the 8 x 8 block of the hash: mirroring flips their signs.
_ODD_COLUMNS = np.uint64(0x5555555555555555)
_ODD_ROWS = np.uint64(0x00FF00FF00FF00FF)
_TURNS = (1, 2, 3)
_HASH_BITS = 64
_RANDOM_PAIRS = 1000
_ROUNDING = 1e-5


def greedy_leader(n: int, left: Indices, right: Indices, order: Indices) -> Indices:
    """Keep rows one by one, best first, and drop those paired with a kept row.

    The kept rows cover (each dropped row is paired with its keeper) and pack (no two kept rows are
    paired). Chains do not merge: a row is dropped only for a keeper that it is paired with itself,
    and for the best such keeper. O(n + pairs).

    Args:
        n: number of rows.
        left: `[P]` row numbers.
        right: `[P]` row numbers, paired with `left`.
        order: `[n]` all rows, best first.

    Returns:
        `[n]` int64, the keeper of each row; a kept row is its own.

    Raises:
        UsageError: `order` is not a permutation of the rows.

    Example:
        >>> greedy_leader(4, [0, 1], [1, 2], [0, 1, 2, 3])
        array([0, 0, 2, 3])
    """
    order = np.asarray(order, np.int64)
    if not np.array_equal(np.sort(order), np.arange(n)):
        raise UsageError(f"the order has to name each of the {n} rows once")
    ends = np.concatenate([np.asarray(left, np.int64), np.asarray(right, np.int64)])
    others = np.concatenate([np.asarray(right, np.int64), np.asarray(left, np.int64)])
    others = others[np.argsort(ends, kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
    keeper = np.full(n, -1, np.int64)
    for row in order:
        if keeper[row] < 0:
            partners = others[first[row] : first[row + 1]]
            keeper[partners[keeper[partners] < 0]] = row
            keeper[row] = row
    return keeper


def vector_candidates(X: Vectors, k: int, rng: np.random.Generator) -> tuple[Indices, float]:
    """Pair each row with its `k` nearest rows that are more similar than random pairs are.

    There are at most `k N` candidates, however similar all rows are. For large N the neighbors are
    those that `knn_graph` finds, which compares all near pairs, however rare.

    Args:
        X: `[N, D]` unit vectors.
        k: neighbors per row.
        rng: draws the random pairs and, for large N, trains the inverted file.

    Returns:
        Sorted pair keys (see `pair_keys`), and the recall of the neighbors as measured on sampled
        rows: at least 0.98 with 95% confidence.
    """
    n = len(X)
    graph = knn_graph(X, k, rng=rng)
    a, b = rng.integers(0, n, (2, _RANDOM_PAIRS))
    usual = float(np.median(np.einsum("md,md->m", X[a[a != b]], X[b[a != b]]))) if n > 1 else 0.0
    rows = np.repeat(np.arange(n), graph.indices.shape[1])
    near = graph.similarities.ravel() >= usual - _ROUNDING
    return pair_keys(n, rows[near], graph.indices.ravel()[near]), graph.recall_estimate


def hash_candidates(hashes: NDArray[np.uint64], k: int, radius: int) -> Indices:
    """Pair each row with its nearest rows by perceptual hash, both as they are and mirrored.

    O(N²) comparisons of 64 bits: seconds for 100,000 rows. O(k N) memory.

    Args:
        hashes: `[N]` 64-bit hashes as in `tamis.images.perceptual_hash`.
        k: neighbors per row and orientation.
        radius: largest Hamming distance in bits.

    Returns:
        Sorted pair keys (see `pair_keys`).
    """
    import faiss

    n = len(hashes)
    if n < 2:  # noqa: PLR2004 - a pair needs two
        return np.empty(0, np.int64)
    index = faiss.IndexBinaryFlat(_HASH_BITS)
    index.add(_bytes(hashes))
    found = []
    for queries in (hashes, mirrored_hashes(hashes)):
        bits, rows = index.search(_bytes(queries), min(k + 1, n))
        near = (bits <= radius) & (rows != np.arange(n)[:, None])
        found.append(pair_keys(n, np.nonzero(near)[0], rows[near]))
    return np.unique(np.concatenate(found))


def turned_candidates(hashes: NDArray[np.uint64], k: int, radius: int) -> tuple[Indices, Indices]:
    """Pair each row with the nearest by perceptual hash, turned by quarters, mirrored or not.

    Three times the cost of `hash_candidates`, whose arguments these are.

    Returns:
        Distinct pair keys and how many quarters counter-clockwise the higher row of each has to be
        turned by, 1 to 3; a key stands once for each of them.
    """
    import faiss

    n = len(hashes)
    if n < 2:  # noqa: PLR2004 - a pair needs two
        return np.empty(0, np.int64), np.empty(0, np.int64)
    index = faiss.IndexBinaryFlat(_HASH_BITS)
    index.add(_bytes(hashes))
    found = []
    for turn in _TURNS:
        turned = turned_hashes(hashes, turn)
        for mirrored, queries in ((False, turned), (True, mirrored_hashes(turned))):
            bits, rows = index.search(_bytes(queries), min(k + 1, n))
            near = (bits <= radius) & (rows != np.arange(n)[:, None])
            query, row = np.nonzero(near)[0], rows[near]
            # What was turned is the higher row, or else it is turned back; mirrored, the same turn
            # leads either way.
            turns = np.where((query > row) | mirrored, turn, 4 - turn)
            low, high = np.minimum(query, row), np.maximum(query, row)
            found.append((low.astype(np.int64) * n + high) * 4 + turns)
    keys, turns = np.divmod(np.unique(np.concatenate(found)), 4)
    return keys, turns


def turned_hashes(hashes: NDArray[np.uint64], turn: int) -> NDArray[np.uint64]:
    """Return about what the hashes of the pictures are, turned by quarters counter-clockwise.

    A quarter swaps rows and columns and mirrors top-bottom. Exact but for coefficients between the
    median and 0, a few bits.

    Example:
        >>> hex(turned_hashes(np.array([0], np.uint64), 2)[0])
        '0x55aa55aa55aa55aa'
    """
    turned = hashes
    for _ in range(turn % 4):
        bits = np.unpackbits(turned.astype(">u8").view(np.uint8)).reshape(-1, 8, 8)
        swapped = np.packbits(bits.transpose(0, 2, 1)).view(">u8").astype(np.uint64)
        turned = swapped ^ _ODD_ROWS
    return turned


def mirrored_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the approximate hashes of the mirrored pictures.

    A few bits may be wrong: those of coefficients between the median and 0.

    Example:
        >>> hex(mirrored_hashes(np.array([0], np.uint64))[0])
        '0x5555555555555555'
    """
    return hashes ^ _ODD_COLUMNS


def pair_keys(n: int, left: Indices, right: Indices) -> Indices:
    """Encode pairs as sorted distinct integers `lower * n + higher`.

    Example:
        >>> np.divmod(pair_keys(5, np.array([3, 1]), np.array([1, 3])), 5)
        (array([1]), array([3]))
    """
    low, high = np.minimum(left, right), np.maximum(left, right)
    keys: Indices = np.unique(low.astype(np.int64) * n + high)
    return keys


def _bytes(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, _HASH_BITS // 8)

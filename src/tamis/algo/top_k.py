"""The k best candidates of each row, updated as tiles of similarities are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["TopK"]

_DENSE_SHARE = 0.02
"""Above this share of candidates in a tile, scanning the whole tile is cheaper than sorting."""


class TopK:
    """Collects the `k` most similar candidates of each of `n` rows, in O(nk) memory.

    Candidates are offered in tiles. Ties go to the lower candidate number, provided that each row
    is offered candidate numbers in ascending order.
    """

    def __init__(self, n: int, k: int) -> None:
        self._values: Vectors = np.empty((n, k), dtype=np.float32)
        # Stored as -1 - number, because of two equal values faiss drops the smaller id first.
        self._ids: Indices = np.empty((n, k), dtype=np.int64)
        self._heap = faiss.float_minheap_array_t()
        self._heap.nh, self._heap.k = n, k
        self._heap.val = faiss.swig_ptr(self._values)
        self._heap.ids = faiss.swig_ptr(self._ids)
        self._heap.heapify()

    def offer(self, rows: Indices, similarities: NDArray[np.float32], numbers: Indices) -> None:
        """Offer `similarities[i, j]` of candidate `numbers[j]` to row `rows[i]`.

        Args:
            rows: `[m]` int64, distinct.
            similarities: `[m, w]` float32 in C or Fortran order; -inf is never kept.
            numbers: `[w]` int64.
        """
        # A transposed tile is read in memory order, which is several times faster.
        upright = similarities.flags.c_contiguous
        tile = similarities if upright else similarities.T
        threshold = self._values[rows, 0]
        passing = np.greater(tile, threshold[:, None] if upright else threshold)
        found = np.count_nonzero(passing)
        if found > _DENSE_SHARE * passing.size:
            self._push(rows, np.ascontiguousarray(similarities), -1 - numbers, 0)
            return
        if found == 0:
            return
        i, j = np.divmod(np.flatnonzero(passing), tile.shape[1])
        if not upright:
            # NumPy sorts 16-bit integers in linear time.
            short = j.astype(np.uint16) if tile.shape[1] <= np.iinfo(np.uint16).max else j
            order = np.argsort(short, kind="stable")
            i, j = j[order], i[order]
        count = np.bincount(i, minlength=rows.size)
        width = int(count.max())
        place = np.arange(i.size) - (np.cumsum(count) - count)[i]
        values = np.full((rows.size, width), -np.inf, dtype=np.float32)
        ids = np.zeros((rows.size, width), dtype=np.int64)
        values[i, place] = similarities[i, j]
        ids[i, place] = -1 - numbers[j]
        self._push(rows, values, ids, width)

    def _push(self, rows: Indices, values: Vectors, ids: Indices, id_stride: int) -> None:
        rows = np.ascontiguousarray(rows)
        ids = np.ascontiguousarray(ids)
        self._heap.addn_query_subset_with_ids(
            rows.size,
            faiss.swig_ptr(rows),
            values.shape[1],
            faiss.swig_ptr(values),
            faiss.swig_ptr(ids),
            id_stride,
        )

    def best(self) -> tuple[Indices, Vectors]:
        """Return candidate numbers `[n, k]` and similarities `[n, k]`, best first.

        If a row was offered fewer than `k` candidates, the rest have number -1, similarity -inf.
        """
        empty = self._values == np.finfo(np.float32).min
        numbers = np.where(empty, np.iinfo(np.int64).max, -1 - self._ids)
        values = np.where(empty, -np.inf, self._values)
        order: NDArray[Any] = np.lexsort((numbers, -values), axis=1)
        numbers = np.take_along_axis(numbers, order, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        numbers[values == -np.inf] = -1
        return numbers, values

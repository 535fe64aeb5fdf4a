"""Thumbnails of samples as small grey arrays, decoded once where memory allows."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tamis.data.images.copies import grey_square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["GreyPictures"]

_READ_ROWS = 1024
_CACHED = 16384


class GreyPictures:
    """Samples by number, as grey squares in two sizes.

    The small size of all samples stays in memory (`small`² bytes each); of the large size the
    16,384 last used (256 MB at 128 pixels), and others are decoded again, about 1 ms each.

    Attributes:
        small: `[N, small, small]` uint8.
    """

    def __init__(
        self, store: Store, ids: Sequence[str], *, small: int, large: int, threads: int = 2
    ) -> None:
        """Decode all thumbnails once.

        Args:
            store: the dataset.
            ids: samples that have a thumbnail.
            small: pixels a side, a divisor of `large`.
            large: pixels a side.
            threads: decoders.
        """
        self._store, self._ids, self._side, self._threads = store, ids, large, threads
        self._cache: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self.small = np.empty((len(ids), small, small), np.uint8)
        step = large // small
        for start in range(0, len(ids), _READ_ROWS):
            rows = np.arange(start, min(start + _READ_ROWS, len(ids)))
            blocks = self.large(rows).reshape(len(rows), small, step, small, step)
            self.small[rows] = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32))

    def thumbnails(self, rows: Indices) -> list[bytes]:
        """Return the thumbnails of some samples, as JPEG."""
        wanted = [self._ids[row] for row in rows]
        found: list[bytes] = (
            self._store.read(["thumbnail"], ids=wanted).column("thumbnail").to_pylist()
        )
        return found

    def large(self, rows: Indices) -> NDArray[np.uint8]:
        """Return `[len(rows), large, large]` uint8; fastest where rows repeat soon."""
        missing = np.array([row for row in np.unique(rows) if row not in self._cache], np.int64)
        with ThreadPoolExecutor(self._threads) as pool:
            for start in range(0, len(missing), _READ_ROWS):
                part = missing[start : start + _READ_ROWS]
                decoded = pool.map(
                    lambda jpeg: grey_square(jpeg, self._side), self.thumbnails(part)
                )
                self._cache.update(zip(part.tolist(), decoded, strict=True))
        greys = np.empty((len(rows), self._side, self._side), np.uint8)
        for place, row in enumerate(rows.tolist()):
            greys[place] = self._cache[row]
            self._cache.move_to_end(row)
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return greys

"""Thumbnails of samples as arrays for comparison, decoded once where memory allows."""

from __future__ import annotations

import io
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tamis.algo.detail_signs import detail_signs
from tamis.images.copies import grey_square

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["GreyPictures"]

_READ_ROWS = 1024
_CACHED, _COLOURS_CACHED = 16384, 1024


class GreyPictures:
    """Pictures by number, as grey squares in two sizes and as colour thumbnails.

    The small size of all pictures stays in memory (`small`² bytes each), and the signs of their
    fine detail (`large`² / 8 bytes); of the large size the 16,384 last used (256 MB at 128 pixels)
    and of the thumbnails in colour the last 1,024 (at most 200 MB); others are decoded again, about
    1 ms each.

    Attributes:
        small: `[N, small, small]` uint8.
        signs: of the large size, `[N, 2, B]` uint8 (`tamis.algo.detail_signs`).
    """

    def __init__(
        self,
        read: Callable[[Indices], list[bytes]],
        count: int,
        *,
        small: int,
        large: int,
        threads: int = 2,
    ) -> None:
        """Decode all thumbnails once.

        Args:
            read: returns the thumbnails of some rows, as JPEG.
            count: how many pictures there are.
            small: pixels a side, a divisor of `large`.
            large: pixels a side, a multiple of 32.
            threads: decoders.
        """
        self._read, self._side, self._threads = read, large, threads
        self._cache: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._colours: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self.small = np.empty((count, small, small), np.uint8)
        self.signs = np.empty((count, 2, large**2 // 16), np.uint8)
        step = large // small
        for start in range(0, count, _READ_ROWS):
            rows = np.arange(start, min(start + _READ_ROWS, count))
            grey = self.large(rows)
            self.signs[rows] = detail_signs(grey)
            blocks = grey.reshape(len(rows), small, step, small, step)
            self.small[rows] = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32))

    @classmethod
    def of_samples(
        cls, store: Store, ids: Sequence[str], *, small: int, large: int
    ) -> GreyPictures:
        """Return the thumbnails of samples, which must have one."""

        def read(rows: Indices) -> list[bytes]:
            wanted = [ids[row] for row in rows]
            found: list[bytes] = (
                store.read(["thumbnail"], ids=wanted).column("thumbnail").to_pylist()
            )
            return found

        return cls(read, len(ids), small=small, large=large)

    def thumbnails(self, rows: Indices) -> list[bytes]:
        """Return the thumbnails of some pictures, as JPEG."""
        return self._read(rows)

    def large(self, rows: Indices) -> NDArray[np.uint8]:
        """Return `[len(rows), large, large]` uint8; fastest where rows repeat soon."""
        missing = np.array([row for row in np.unique(rows) if row not in self._cache], np.int64)
        with ThreadPoolExecutor(self._threads) as pool:
            for start in range(0, len(missing), _READ_ROWS):
                part = missing[start : start + _READ_ROWS]
                decoded = pool.map(lambda jpeg: grey_square(jpeg, self._side), self._read(part))
                self._cache.update(zip(part.tolist(), decoded, strict=True))
        greys = np.empty((len(rows), self._side, self._side), np.uint8)
        for place, row in enumerate(rows.tolist()):
            greys[place] = self._cache[row]
            self._cache.move_to_end(row)
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return greys

    def colours(self, rows: Indices) -> dict[int, NDArray[np.uint8]]:
        """Return thumbnails by row, `[H, W, 3]` uint8 RGB, at most 256 pixels a side."""
        wanted = np.unique(rows)
        missing = np.array([row for row in wanted if row not in self._colours], np.int64)
        if missing.size:
            with ThreadPoolExecutor(self._threads) as pool:
                decoded = pool.map(_colour, self._read(missing))
                self._colours.update(zip(missing.tolist(), decoded, strict=True))
        found = {}
        for row in wanted.tolist():
            found[row] = self._colours[row]
            self._colours.move_to_end(row)
        while len(self._colours) > _COLOURS_CACHED:
            self._colours.popitem(last=False)
        return found


def _colour(jpeg: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB"))

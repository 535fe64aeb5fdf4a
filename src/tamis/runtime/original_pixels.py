"""The files of samples, opened where thumbnails do not decide; one that is gone is left out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, box_of
from tamis.dataset.samples import Samples
from tamis.errors import TamisError
from tamis.runtime.decoded_rows import decoded_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.images.box import Box

__all__ = ["OriginalPixels"]

_LONGEST = 512
_CACHED = 256


class OriginalPixels:
    """Samples by number, upright and in colour, their longer side at most 512 pixels.

    The last 256 stay in memory (at most 200 MB). Thread-safe.
    """

    def __init__(self, store: Store, ids: Sequence[str]) -> None:
        self._samples, self._ids = Samples(store), ids
        self._cache: OrderedDict[int, NDArray[np.uint8] | None] = OrderedDict()
        self._lock = threading.Lock()

    def pixels(self, number: int) -> NDArray[np.uint8] | None:
        """Return `[H, W, 3]` uint8 RGB; None if the file is gone, was changed or cannot be read."""
        with self._lock:
            if number in self._cache:
                self._cache.move_to_end(number)
                return self._cache[number]
        image = self.image(number)
        found = None if image is None else np.asarray(image)
        with self._lock:
            self._cache[number] = found
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found

    def image(self, number: int) -> Image.Image | None:
        """Return the same as a picture of its own."""
        row = self._row(number)
        if row is None:
            return None
        try:
            (_, decoded), *_ = decoded_rows([row], _LONGEST)
        except TamisError:
            return None  # a reader that is not installed: the thumbnail decides
        if isinstance(decoded, TamisError):
            return None
        image, extent = decoded.image, decoded.extent
        shrink = min(_LONGEST / max(decoded.size), 1.0)
        size = (max(round(decoded.size[0] * shrink), 1), max(round(decoded.size[1] * shrink), 1))
        if image.size == size:
            return image
        return image.resize(size, Image.Resampling.BICUBIC, extent, reducing_gap=2.0)

    def _row(self, number: int) -> _Row | None:
        names = (Column.PATH, Column.URI, Column.CONTENT_HASH, *BOX_COLUMNS)
        rows = self._samples.rows(names, [self._ids[number]]).to_pylist()
        if not rows or not rows[0]["uri"] or not rows[0]["content_hash"]:
            return None
        row = rows[0]
        return _Row(row["path"] or row["uri"], row["uri"], row["content_hash"], box_of(row))


class _Row(NamedTuple):
    path: str
    uri: str
    content_hash: str
    box: Box | None

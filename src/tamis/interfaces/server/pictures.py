"""Thumbnails in batches and originals, reached by row id alone."""

from __future__ import annotations

import io
import re
import struct
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, box_of
from tamis.errors import MissingPictureError, PictureError, UsageError
from tamis.images.decode import decode
from tamis.sources.image_reference import ImageReference
from tamis.sources.reading import read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from tamis.dataset.samples import Samples
    from tamis.images.box import Box

__all__ = ["MOST_AT_ONCE", "Thumbnails", "original", "upright"]

MOST_AT_ONCE: Final = 256
"""Thumbnails in one answer."""

_CACHE_BYTES: Final = 32 << 20
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

_SHOWN_BY_BROWSERS: Final = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}


class Thumbnails:
    """Thumbnails from the dataset's column; the last 32 MB stay in memory. Thread-safe.

    Args:
        samples: the dataset.
    """

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def of(self, ids: Sequence[str]) -> list[bytes]:
        """Return the JPEG of each sample, empty where the dataset has none.

        Raises:
            UsageError: an id is unknown, or there are too many.
        """
        if len(ids) > MOST_AT_ONCE:
            raise UsageError(f"{len(ids)} thumbnails at once; ask for at most {MOST_AT_ONCE}")
        with self._lock:
            found = {name: self._kept[name] for name in ids if name in self._kept}
            for name in found:
                self._kept.move_to_end(name)
        absent = [checked_id(name) for name in dict.fromkeys(ids) if name not in found]
        if absent:
            read = self._samples.rows([Column.THUMBNAIL], absent).column(0).to_pylist()
            found |= {name: data or b"" for name, data in zip(absent, read, strict=True)}
            self._keep({name: found[name] for name in absent})
        return [found[name] for name in ids]

    def packed(self, ids: Sequence[str]) -> bytes:
        """Return thumbnails as one message: count, byte lengths (uint32, little-endian), JPEGs."""
        found = self.of(ids)
        return struct.pack(f"<{len(found) + 1}I", len(found), *map(len, found)) + b"".join(found)

    def _keep(self, fresh: dict[str, bytes]) -> None:
        with self._lock:
            for name, data in fresh.items():
                self._size += len(data) - len(self._kept.pop(name, b""))
                self._kept[name] = data
            while self._size > _CACHE_BYTES and self._kept:
                self._size -= len(self._kept.popitem(last=False)[1])


def checked_id(name: str) -> str:
    """Return a sample id.

    Raises:
        UsageError: it cannot be one.
    """
    if not _ID.fullmatch(name):
        raise UsageError(f"{name!r} is no sample id")
    return name


def original(samples: Samples, name: str) -> tuple[bytes, str]:
    """Return the picture of a sample and its media type; what browsers cannot show, as a PNG.

    The bytes are those of the file that the dataset names, never of another; a part of a picture is
    cut out of it.

    Raises:
        UsageError: there is no such sample.
        PictureError: its file is gone or cannot be read.
    """
    data, path, box = _read(samples, name)
    media = next((kind for magic, kind in _SHOWN_BY_BROWSERS.items() if data.startswith(magic)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        media = "image/webp"
    if media and box is None:
        return data, media
    return _png(_decoded(data, path, box)), "image/png"


def upright(samples: Samples, name: str) -> Image.Image:
    """Return the picture of a sample as it is shown.

    Raises:
        UsageError: there is no such sample.
        PictureError: its file is gone or cannot be read.
    """
    return _decoded(*_read(samples, name))


def _read(samples: Samples, name: str) -> tuple[bytes, str, Box | None]:
    """Return the bytes of a sample's file, its path, and which part of the picture it is."""
    columns = [Column.URI, Column.PATH, *BOX_COLUMNS]
    row = samples.rows(columns, [checked_id(name)]).to_pylist()[0]
    if not row["uri"]:
        raise MissingPictureError(row["path"] or name, "the dataset does not say where it lies")
    box = box_of(row)
    place = row["uri"] if box is None else str(ImageReference.parse(row["uri"]).whole)
    return read_bytes(place, row["path"]), row["path"], box


def _decoded(data: bytes, path: str, box: Box | None) -> Image.Image:
    picture = decode(data, path).image
    return picture if box is None else picture.crop(box.corners)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "PNG", compress_level=1)
    except OSError as error:
        raise PictureError("picture", f"cannot be shown: {error}") from error
    return buffer.getvalue()

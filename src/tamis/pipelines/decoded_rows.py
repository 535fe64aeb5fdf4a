"""The pixels of rows: whole pictures, and parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from tamis.data.images.decode import decode
from tamis.data.sources.reading import read_content
from tamis.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image

    from tamis.data.parts import Box

__all__ = ["PictureRow", "decoded_rows"]


class PictureRow(Protocol):
    """What must be known of a row to find its pixels."""

    @property
    def path(self) -> str:
        """As the user gave it."""

    @property
    def uri(self) -> str:
        """Where its file lies."""

    @property
    def content_hash(self) -> str:
        """Of the file's bytes when it was added."""

    @property
    def box(self) -> Box | None:
        """The part of the picture; None if it is all of it."""


Row = TypeVar("Row", bound=PictureRow)


def decoded_rows(
    rows: Sequence[Row], side: int
) -> Iterator[tuple[Row, Image.Image | PictureError]]:
    """Yield each row with its upright RGB pixels, or why there are none.

    Parts of one picture that follow each other share one decoding. A whole picture is decoded no
    larger than its shorter side needs; one that parts are cut from at full size, as they are small.

    Args:
        rows: pictures and parts, parts of a picture next to each other.
        side: pixels that a whole picture's shorter side must keep.
    """
    place: str | None = None
    full: Image.Image | PictureError | None = None
    for row in rows:
        if row.box is None:
            yield row, _decoded(row, side)
            continue
        if row.uri != place or full is None:
            place, full = row.uri, _decoded(row, None)
        if isinstance(full, PictureError):
            yield row, full
        else:
            yield row, full.crop(row.box.corners)


def _decoded(row: PictureRow, side: int | None) -> Image.Image | PictureError:
    try:
        data, content = read_content(row.uri, row.path)
        if content != row.content_hash:
            return PictureError(row.path, "the file has changed since it was added; add it again")
        return decode(data, row.path, min_side=side).image
    except PictureError as error:
        return error

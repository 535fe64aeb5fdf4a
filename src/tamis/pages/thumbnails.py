"""The pictures of a page, within a budget of bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from tamis.pages.annotation_marks import AnnotationMarks
from tamis.pages.tile import Badge, Tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tamis.dataset.samples import Samples
    from tamis.pages.annotation_marks import Mark
    from tamis.pages.links import Links

__all__ = ["THUMBNAIL_BUDGET", "Thumbnails"]

THUMBNAIL_BUDGET: Final = 10_000_000
"""Bytes of thumbnails on one page; written as base64 they make the page a third larger."""

_AT_ONCE: Final = 256
_SMALL: Final = 128
"""Longest side in pixels of a thumbnail where not all fit."""

_ALWAYS: Final = ("sample_id", "path", "width", "height", "label", "split")


class Thumbnails:
    """Takes pictures' tiles from the store until a budget of bytes is spent.

    Args:
        samples: the dataset's.
        budget: bytes of thumbnails to hand out at most, so that the page stays small.
        links: finds the files of pictures; no tile has a link if None.
        marks: draws annotations; those of all layers if None.
    """

    def __init__(
        self,
        samples: Samples,
        budget: int = THUMBNAIL_BUDGET,
        links: Links | None = None,
        marks: AnnotationMarks | None = None,
    ) -> None:
        self._samples = samples
        self._left = budget
        self._marks_left = budget // 5
        self._links = links
        self._marks = marks or AnnotationMarks(samples.store)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of annotations that are drawn, in the order of their colors."""
        return self._marks.layers

    def tiles(
        self,
        ids: Sequence[str],
        *,
        note: Callable[[Mapping[str, Any]], str] = lambda _row: "",
        badge: Callable[[Mapping[str, Any]], Badge | None] = lambda _row: None,
        score: Callable[[Mapping[str, Any]], float | None] = lambda _row: None,
        columns: Sequence[str] = (),
        share: float = 1.0,
        names_beyond: bool = False,
    ) -> tuple[Tile, ...]:
        """Return the tiles of the pictures, in their order, as far as the budget goes.

        A picture without a thumbnail has no tile, unless `names_beyond`: then each has one, with a
        smaller thumbnail where the budget runs short, and by name where it is spent.

        Args:
            ids: the pictures; one that is named twice has two tiles.
            note: says what is to be said of a row.
            badge: the badge of a row.
            score: what a row is sorted by.
            columns: what `note`, `badge` and `score` need to know, beside `sample_id`, the size,
                the label and the split.
            share: of what is left of the budget.
            names_beyond: whether all pictures are to be reached.
        """
        most = int(self._left * share)
        # where not all fit, most of them do when half of the room is for small ones
        small_from = most // 2 if names_beyond and self._bytes_of(ids) > most else 0
        tiles: list[Tile] = []
        for row in self._rows(ids, columns):
            thumbnail = row["thumbnail"] or b""
            marks = row["marks"]
            if not names_beyond:
                if not thumbnail:
                    continue
                if len(thumbnail) > most:
                    break
            else:
                if most - len(thumbnail) < small_from:
                    thumbnail = _smaller(thumbnail)
                if len(thumbnail) > most:
                    thumbnail, most = b"", 0
            most -= len(thumbnail)
            self._left -= len(thumbnail)
            spent = sum(mark.size for mark in marks)
            if spent > self._marks_left or not thumbnail:
                marks, spent = (), 0
            self._marks_left -= spent
            tiles.append(
                Tile(
                    path=row["path"] or "",
                    thumbnail=thumbnail,
                    note=note(row),
                    badge=badge(row),
                    width=row["width"] or 1,
                    height=row["height"] or 1,
                    label=row["label"],
                    split=row["split"],
                    score=score(row),
                    link=None if self._links is None else self._links.to(row["uri"]),
                    marks=tuple(marks),
                )
            )
        return tuple(tiles)

    def _bytes_of(self, ids: Sequence[str]) -> float:
        """Estimate the bytes of thumbnails from the first of them."""
        first = list(dict.fromkeys(ids[:_AT_ONCE]))
        if not first:
            return 0.0
        sizes = self._samples.rows(["thumbnail"], first).column("thumbnail").to_pylist()
        return len(ids) * sum(len(one or b"") for one in sizes) / len(first)

    def _rows(self, ids: Sequence[str], columns: Sequence[str]) -> Iterable[dict[str, Any]]:
        """Yield the rows piece by piece, so that one page's worth of thumbnails is in memory."""
        read = list(dict.fromkeys([*_ALWAYS, "thumbnail", "uri", *columns]))
        for start in range(0, len(ids), _AT_ONCE):
            piece = ids[start : start + _AT_ONCE]
            rows = self._samples.rows(read, list(dict.fromkeys(piece))).to_pylist()
            sizes = {row["sample_id"]: (row["width"] or 1, row["height"] or 1) for row in rows}
            marks: Mapping[str, Sequence[Mark]] = self._marks.of([*sizes], sizes)
            by_id = {
                row["sample_id"]: {**row, "marks": marks.get(row["sample_id"], ())} for row in rows
            }
            yield from (by_id[one] for one in piece)


def _smaller(jpeg: bytes) -> bytes:
    """Return a thumbnail of about a fifth of the bytes; empty if it cannot be read."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.thumbnail((_SMALL, _SMALL))
            shrunk = io.BytesIO()
            picture.save(shrunk, "JPEG", quality=75)
    except OSError:
        return b""
    return shrunk.getvalue()

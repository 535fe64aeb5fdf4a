"""Rows of a dataset as pictures to look at, each decoded by a worker."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, Box, box_of
from tamis.errors import PictureError
from tamis.machine import usable_processors
from tamis.runtime.decoded_rows import Pixels, decoded_rows
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.stage import Stage
from tamis.sources.archives import close_archives
from tamis.sources.locations import require_source
from tamis.sources.video.frame_reader import close_videos
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tamis.dataset.samples import SampleSet
    from tamis.types import Progress

__all__ = ["PictureRow", "looked_at", "picture_rows"]

Out = TypeVar("Out")


class PictureRow(NamedTuple):
    """A picture of a dataset."""

    sample_id: str
    path: str
    uri: str
    source: str
    content_hash: str
    width: int
    height: int
    box: Box | None = None

    @property
    def seed(self) -> int:
        """What chance is drawn by for this picture: its content, wherever the file lies."""
        return int((self.content_hash or self.sample_id)[:15], 16)

    @property
    def by_content(self) -> tuple[str, tuple[int, ...], str]:
        """What pictures are ordered by: content and place, then id."""
        box = self.box
        place = () if box is None else (box.x, box.y, box.width, box.height)
        return self.content_hash or "", place, self.sample_id


def picture_rows(chosen: SampleSet) -> list[PictureRow]:
    """Return the pictures of a set, ordered by their content, wherever the files lie."""
    names = (Column.PATH, Column.URI, "source", Column.CONTENT_HASH, "width", "height")
    table = chosen.table(Column.SAMPLE_ID, *names, *BOX_COLUMNS).to_pylist()
    rows = [
        PictureRow(
            row["sample_id"],
            row["path"] or row["uri"],
            row["uri"],
            row["source"],
            row["content_hash"],
            row["width"],
            row["height"],
            box_of(row),
        )
        for row in table
    ]
    return sorted(rows, key=lambda row: row.by_content)


@dataclass(frozen=True)
class _Look(Stage["PictureRow", "tuple[PictureRow, Out | Failure]"], Generic[Out]):
    side: int
    work: Callable[[PictureRow, Pixels], Out]

    @contextmanager
    def open(self) -> Iterator[Callable[[PictureRow], tuple[PictureRow, Out | Failure]]]:
        try:
            yield self._one
        finally:
            close_archives()
            close_videos()

    def failed(self, item: PictureRow, reason: str) -> tuple[PictureRow, Out | Failure]:
        require_source(item.source)
        return item, Failure(item.path, reason, item.source)

    def _one(self, row: PictureRow) -> tuple[PictureRow, Out | Failure]:
        ((_, found),) = decoded_rows([row], self.side)
        if isinstance(found, PictureError):
            return self.failed(row, found.reason)
        return row, self.work(row, found)


def looked_at(
    rows: Sequence[PictureRow],
    side: int,
    work: Callable[[PictureRow, Pixels], Out],
    progress: Progress,
) -> Iterator[tuple[PictureRow, Out | Failure]]:
    """Yield each row, in order, with what work makes of its picture, or why it cannot be read.

    Pictures are decoded and worked on by as many threads as there are processors, two ahead.

    Args:
        rows: the pictures.
        side: pixels that the shorter side keeps at least where it is decoded at reduced size.
        work: may be called by several threads at once.
        progress: told how far it has come.
    """
    progress(0, len(rows))
    outcomes = ordered_map(_Look(side, work), rows, workers=usable_processors())
    try:
        for done, outcome in enumerate(outcomes, start=1):
            yield outcome
            progress(done, len(rows))
    finally:
        outcomes.close()

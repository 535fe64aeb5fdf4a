"""The part of the Python face that adds parts of pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.runtime.parts import PartsReport
    from tamis.types import Progress

__all__ = ["Parting"]

PathLike = str | os.PathLike[str]


class Parting(Stored):
    """Verbs that make parts of pictures samples of their own; `tamis.Dataset` has them."""

    def add_crops(
        self, annotations: PathLike, *, min_box: int = 8, progress: Progress = no_progress
    ) -> PartsReport:
        """Add the boxes of a detection dataset as samples, linked to pictures that are there.

        Args:
            annotations: a COCO file, a folder of Pascal VOC files, or a YOLO dataset.
            min_box: boxes with a side shorter than this many pixels are left out.
            progress: told how far it has come.

        Raises:
            InputError: there are no annotations, or none of a picture of the dataset.
        """
        from tamis.runtime.parts import add_crops

        return add_crops(self.store, os.fspath(annotations), min_box=min_box, progress=progress)

    def add_tiles(
        self,
        count: int = 3,
        *,
        where: str | None = None,
        sources: Sequence[PathLike] | None = None,
        progress: Progress = no_progress,
    ) -> PartsReport:
        """Add `count` x `count` overlapping tiles of pictures as samples, for small things.

        Args:
            count: tiles along each side.
            where: an SQL condition on the pictures.
            sources: only pictures that lie in these; all if not given.
            progress: told how far it has come.
        """
        from tamis.runtime.parts import add_tiles

        named = None if sources is None else [os.fspath(source) for source in sources]
        return add_tiles(self.store, count, where=where, sources=named, progress=progress)

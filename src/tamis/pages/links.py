"""Links from a page to the files that it shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import is_object_address

__all__ = ["Link", "Links"]

_BROWSERS_SHOW: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".avif", ".apng", ".jfif"}
)


@dataclass(frozen=True)
class Link:
    """Where a file lies, as a page sees it.

    Attributes:
        href: a relative address where page and file share a folder, else a `file:` address.
        original: whether it is the very picture, in a format that browsers show; else it is the
            video of a frame, the picture of a crop, or a format for another program.
    """

    href: str
    original: bool


class Links:
    """Finds the address of a file on a page.

    Args:
        page: the page's file; it need not exist.
    """

    def __init__(self, page: str | os.PathLike[str]) -> None:
        self._folder = os.path.dirname(os.path.realpath(page))  # noqa: PTH120 - bytes-safe

    def to(self, uri: str | None) -> Link | None:
        """Return the address of a picture's file; None if it is gone, in an archive or at a store.

        Costs one look at the disk.

        Args:
            uri: as `tamis.sources.image_reference` spells it.
        """
        if not uri:
            return None
        if is_object_address(uri):
            return None  # it takes the credentials of whoever added it
        reference = ImageReference.parse(uri)
        if reference.member is not None or not Path(reference.file).is_file():
            return None
        itself = reference.frame is None and reference.part is None
        suffix = Path(reference.file).suffix.lower()
        return Link(self._address(reference.file), itself and suffix in _BROWSERS_SHOW)

    def _address(self, file: str) -> str:
        file = os.path.abspath(file)  # noqa: PTH100 - links are kept as the user has them
        if os.path.commonpath([self._folder, file]) == os.sep:
            return "file://" + quote(os.fsencode(file))
        return quote(os.fsencode(os.path.relpath(file, self._folder)))

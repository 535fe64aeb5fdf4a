"""Pictures that share a folder, a name and a size, and differ in their format: often masks."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from tamis.data.sources.spelling import without_extension

if TYPE_CHECKING:
    from tamis.data.sources.locations import Location

__all__ = ["TwinNames"]

_PHOTOGRAPHS = (".jpg", ".jpeg")
_MASKS = (".png", ".bmp", ".gif", ".tif", ".tiff")


class TwinNames:
    """Finds pairs such as `7.jpg` and `7.png`, of which the second is often a mask of the first.

    Memory: the names in one folder and those above it, and the pairs.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, list[str]]]] = []
        self._twin_of: dict[str, str] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    def see(self, location: Location) -> None:
        """Take note of a picture as it is listed, folder by folder."""
        folder, name = posixpath.split(location.uri)
        while self._open and not f"{folder}/".startswith(f"{self._open[-1][0]}/"):
            self._close()
        if not self._open or self._open[-1][0] != folder:
            self._open.append((folder, {}))
        self._open[-1][1].setdefault(without_extension(name), []).append(location.uri)

    def listed(self) -> None:
        """Take note that the listing has ended."""
        while self._open:
            self._close()

    def measured(self, uri: str, width: int, height: int) -> None:
        """Take note of the size of a picture that was added."""
        if uri in self._twin_of:
            self._sizes[uri] = (width, height)

    def note(self) -> str | None:
        """Return a sentence on the pairs of one size, if there are any."""
        pairs = [
            (one, other)
            for one, other in self._twin_of.items()
            if one.lower().endswith(_PHOTOGRAPHS)
            and one in self._sizes
            and self._sizes[one] == self._sizes.get(other)
        ]
        if not pairs:
            return None
        one, other = pairs[0]
        ending = posixpath.splitext(other)[1]
        return (
            f"{len(pairs)} pairs of pictures have one name and one size, such as {one} and "
            f"{posixpath.basename(other)}: if these are masks, leave them out with  "
            f"--exclude '*{ending}'"
        )

    def _close(self) -> None:
        for uris in self._open.pop()[1].values():
            photographs = [uri for uri in uris if uri.lower().endswith(_PHOTOGRAPHS)]
            masks = [uri for uri in uris if uri.lower().endswith(_MASKS)]
            if len(photographs) == 1 and len(masks) == 1:
                self._twin_of[photographs[0]] = masks[0]
                self._twin_of[masks[0]] = photographs[0]

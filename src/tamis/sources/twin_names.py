"""Pictures that share a name and a size and differ in their format: often masks."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from tamis.sources.spelling import without_extension

if TYPE_CHECKING:
    from tamis.sources.spread import Location

__all__ = ["TwinNames"]

_PHOTOGRAPHS = (".jpg", ".jpeg")
_MASKS = (".png", ".bmp", ".gif", ".tif", ".tiff")
_BESIDE = 4

_Names = dict[str, list[str]]
"""The pictures of one folder by their names without extension."""


class TwinNames:
    """Finds pairs such as `7.jpg` and `7.png`, of which the second is often a mask of the first.

    They lie in one folder, or in two folders side by side, such as `Imgs` and `GT`, of which one
    holds photographs and the other nothing but their masks.

    Memory: the names in one folder, those above it and the few beside it, and the pairs.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, _Names]] = []
        self._beside: dict[str, list[_Names] | None] = {}
        self._twin_of: dict[str, str] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    def see(self, location: Location) -> None:
        """Take note of a picture as it is listed, folder by folder."""
        folder, name = posixpath.split(location.uri)
        while self._open and not f"{folder}/".startswith(f"{self._open[-1][0]}/"):
            self._close()
        for parent in [one for one in self._beside if not f"{folder}/".startswith(f"{one}/")]:
            del self._beside[parent]
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
        folder = posixpath.dirname(other)
        beside = posixpath.basename(folder).rpartition("!")[2]  # at the top of an archive
        together = folder == posixpath.dirname(one)
        return (
            f"{len(pairs)} pairs of pictures have one name and one size, such as {one} and "
            f"{posixpath.basename(other) if together else other}: if these are masks, exclude "
            f"them by the pattern '{f'*{ending}' if together else beside}'"
        )

    def _close(self) -> None:
        folder, names = self._open.pop()
        for uris in names.values():
            self._pair(uris)
        parent = posixpath.dirname(folder)
        beside = self._beside.setdefault(parent, [])
        if beside is None:
            return
        for other in beside:
            for photographs, masks in ((names, other), (other, names)):
                if _are_masks_of(masks, photographs):
                    for name, uris in masks.items():
                        self._pair([*photographs[name], *uris])
        # many folders side by side are classes or scenes, and all their names would be much
        self._beside[parent] = [*beside, names] if len(beside) < _BESIDE else None

    def _pair(self, uris: list[str]) -> None:
        photographs = [uri for uri in uris if uri.lower().endswith(_PHOTOGRAPHS)]
        masks = [uri for uri in uris if uri.lower().endswith(_MASKS)]
        if len(photographs) == 1 and len(masks) == 1:
            self._twin_of[photographs[0]] = masks[0]
            self._twin_of[masks[0]] = photographs[0]


def _are_masks_of(masks: _Names, photographs: _Names) -> bool:
    """Tell whether a folder holds nothing but masks of photographs in another one."""
    return (
        masks.keys() <= photographs.keys()
        and all(uri.lower().endswith(_MASKS) for uris in masks.values() for uri in uris)
        and all(uri.lower().endswith(_PHOTOGRAPHS) for name in masks for uri in photographs[name])
    )

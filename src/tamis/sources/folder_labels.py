"""Labels from the names of folders: which level of folders tells the pictures apart."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.sources.image_reference import ImageReference
from tamis.sources.marks import Marks
from tamis.sources.split_names import folder_split
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tamis.sources.spread import Location

__all__ = ["FolderLabels"]

# fmt: off
_KINDS_OF_FILES = {
    "annotations", "color", "colour", "data", "depth", "frames", "ground_truth", "groundtruth",
    "gt", "image", "images", "img", "imgs", "jpeg", "jpegimages", "jpg", "jpgs", "labels",
    "masks", "original", "originals", "photos", "pics", "pictures", "png", "pngs", "raw", "rgb",
    "thumbnails", "thumbs",
}
"""Names of folders that say what the files are and not what they show, in lower case."""
# fmt: on

_SHOWN = 3


class FolderLabels:
    """The name of one of the folders that a picture lies in is its label.

    Which one, is seen from all pictures: the nearest to them that tells them apart, by two names
    at least that are not of splits (`train`) or of kinds of files (`Imgs`). If none does, it is
    the nearest that has such a name. A source whose pictures lie all at that level is a class by
    itself, as `cats` and `dogs` are in `tamis add cats dogs`; else pictures that lie directly in
    the source have no label.

    Memory: the names of the folders.

    Args:
        level: which folder, instead: 1 is the first below the source, 0 the source itself, -1 the
            one that holds the picture, -2 the one above.
    """

    def __init__(self, level: int | None = None) -> None:
        self._asked = level
        self._up = 1
        self._sources: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
        self._depths: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._names: Counter[str] = Counter()
        self._without = 0

    @property
    def level(self) -> int:
        """Which folder is the label; see the class."""
        return -self._up if self._asked is None else self._asked

    def survey(self, locations: Iterable[Location]) -> None:
        """Look at all folders, and choose the level.

        Raises:
            InputError: the level that was asked for is that of no picture's folder.
        """
        for location in locations:
            source, folders = _source(location), _folders(location)
            self._sources[source].add(folders)
            self._depths[source].add(len(folders))
        if self._asked is None:
            self._up = self._telling_level()
        elif self._sources and not any(self._names_at_level()):
            deepest = max(len(folders) for _, folders in self._each())
            raise InputError(
                f"no picture lies in a folder at level {self._asked}: they lie up to {deepest} "
                "folders below their sources; 1 is the first below, 0 the source itself, -1 the "
                "folder that holds the picture"
            )

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture."""
        source = _source(location)
        label = self._label(source, _folders(location))
        if label is None:
            self._without += 1
        else:
            self._names[label] += 1
        return Marks(label=label)

    def notes(self) -> list[str]:
        """Say which folders were taken, and how many pictures have no label."""
        most = [f"{name} {count}" for name, count in self._names.most_common(_SHOWN)]
        if not most:
            return ["no picture lies in a folder that could be its label"] if self._without else []
        more = len(self._names) - len(most)
        shown = ", ".join(most) + (f" and {more} more" if more else "")
        without = f"; {counted(self._without, 'picture has')} none" if self._without else ""
        taken = f"labels are the names of {_spelt(self.level)} ({shown})"
        return [f"{taken}{without}; give another label level to take other folders"]

    def _label(self, source: tuple[str, str], folders: tuple[str, ...]) -> str | None:
        if self._asked is None:
            return self._name_at(source, folders, self._up)
        chain = (source[1] or None, *folders)
        at = self._asked if self._asked >= 0 else len(chain) + self._asked
        return chain[at] if 0 <= at < len(chain) else None

    def _name_at(self, source: tuple[str, str], folders: tuple[str, ...], up: int) -> str | None:
        """Return the name of the folder `up` levels above a picture, which may be the source."""
        if len(folders) >= up:
            return folders[-up]
        even = len(self._depths[source]) == 1
        return source[1] or None if len(folders) == up - 1 and even else None

    def _telling_level(self) -> int:
        deepest = max((len(folders) for _, folders in self._each()), default=0)
        nearest = None
        for up in range(1, deepest + 2):
            names = {self._name_at(source, folders, up) for source, folders in self._each()}
            telling = {name for name in names if name is not None and _tells(name)}
            if len(telling) > 1:
                return up
            if telling and nearest is None:
                nearest = up
        return nearest or 1

    def _names_at_level(self) -> Iterable[str | None]:
        return (self._label(source, folders) for source, folders in self._each())

    def _each(self) -> Iterable[tuple[tuple[str, str], tuple[str, ...]]]:
        for source, every in self._sources.items():
            for folders in every:
                yield source, folders


def _tells(name: str) -> bool:
    return name.lower() not in _KINDS_OF_FILES and folder_split(f"{name}/") is None


def _folders(location: Location) -> tuple[str, ...]:
    """Return the folders between the source and the picture, outermost first."""
    return tuple(location.relative.replace("\\", "/").split("/")[:-1])


def _source(location: Location) -> tuple[str, str]:
    """Return a source, and its folder's name; empty for an archive or a file that was named."""
    place = ImageReference.spelled(location.path)
    named = location.source == (location.path if place.frame is None else place.file)
    inside = not named and location.uri.endswith(f"/{location.relative}")
    root = location.uri.removesuffix(location.relative) if inside else ""
    return location.source, posixpath.basename(root.rstrip("/"))


def _spelt(level: int) -> str:
    if level == 0:
        return "the sources"
    if level > 0:
        return f"the folders {level} below the sources"
    if level == -1:
        return "the folders that hold the pictures"
    return f"the folders {-level - 1} above those that hold the pictures"

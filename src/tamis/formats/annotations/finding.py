"""Which picture of a dataset an annotation means."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tamis.sources.image_reference import ImageReference
from tamis.sources.spelling import (
    EXTENSION_DIFFERS,
    buckets,
    decoded,
    parts_of,
    spelling_distance,
    without_extension,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis.formats.annotations.source_annotation import SourceAnnotation

__all__ = ["PictureFinder"]

_ABSOLUTE = re.compile(r"/|[A-Za-z]:|file://")


class PictureFinder:
    """Finds the picture that an annotation means among those of a dataset.

    A picture is meant if it lies at one of the annotation's places; else if the end of its path
    is the annotation's name; else, for a name that is an absolute path of another machine, if its
    file name is the same. At each step every spelling of a name counts (see `spelling_distance`),
    and of several pictures the one that is spelt most alike. No folder is ever left out of a name:
    `train/1.jpg` does not mean `val/1.jpg`.

    Args:
        uris: absolute paths of the pictures; a member of an archive lies in a folder of its name.
    """

    def __init__(self, uris: Iterable[str]) -> None:
        self._by_name: dict[str, list[_Picture]] = defaultdict(list)
        self._last: tuple[str | None, Sequence[_Picture]] = (None, ())
        self._found: dict[tuple[str, Sequence[str]], str | Sequence[str]] = {}
        for uri in uris:
            parts = parts_of(_path_of(uri))
            self._by_name[without_extension(decoded(parts[-1]))].append(_Picture(parts, uri))

    def find(
        self, name: str, places: Sequence[str] = (), *, bare: bool = False
    ) -> str | Sequence[str]:
        """Return the one picture that is meant, or all that could be.

        Args:
            name: as the annotation has it.
            places: absolute paths where the picture lies if the folders are the usual ones.
            bare: name and places are known to have no extension.
        """
        ways = [name, name.replace("\\", "/"), decoded(name.replace("\\", "/"))]
        spelt = list(dict.fromkeys(parts for way in ways if (parts := parts_of(way))))
        if not spelt:
            return []
        for place in places:
            if found := self._nearest(parts_of(place), bare=bare, whole=True):
                return found[0] if len(found) == 1 else found
        for parts in spelt:
            if found := self._nearest(parts, bare=bare):
                return found[0] if len(found) == 1 else found
        if _ABSOLUTE.match(name):
            for parts in spelt:
                found = self._nearest(parts[-1:], bare=bare, farthest=EXTENSION_DIFFERS - 1)
                if found:
                    return found[0] if len(found) == 1 else found
        return []

    def find_for(self, annotation: SourceAnnotation) -> str | Sequence[str]:
        """Return the one picture that an annotation means, or all that could be.

        What was found is kept, for a picture has many annotations.
        """
        key = (annotation.picture, annotation.places)
        if key not in self._found:
            self._found[key] = self._find_for(annotation)
        return self._found[key]

    def _find_for(self, annotation: SourceAnnotation) -> str | Sequence[str]:
        found = self.find(annotation.picture, annotation.places, bare=annotation.bare)
        if found or annotation.fallback is None:
            return found
        return self.find(annotation.fallback, annotation.places, bare=True)

    def _nearest(
        self,
        wanted: tuple[str, ...],
        *,
        bare: bool,
        whole: bool = False,
        farthest: int = EXTENSION_DIFFERS,
    ) -> list[str]:
        """Return the pictures that end with these names, or are at them, spelt most alike."""
        path, count = "/".join(wanted), len(wanted)
        found: dict[int, list[str]] = {}
        for picture in self._candidates(wanted[-1]):
            if len(picture.parts) < count or (whole and len(picture.parts) != count):
                continue
            distance = spelling_distance(path, "/".join(picture.parts[-count:]), bare=bare)
            if distance is not None and distance <= farthest:
                found.setdefault(distance, []).append(picture.uri)
        return found[min(found)] if found else []

    def _candidates(self, name: str) -> Sequence[_Picture]:
        if self._last[0] != name:  # each place of a picture ends with the same name
            keys = sorted(buckets(name))
            self._last = name, [one for key in keys for one in self._by_name.get(key, ())]
        return self._last[1]


class _Picture(NamedTuple):
    """A picture's path in its parts, and the uri that it has in the dataset."""

    parts: tuple[str, ...]
    uri: str


def _path_of(uri: str) -> str:
    place = ImageReference.spelled(uri)
    return uri if place.member is None else f"{place.file}/{place.member}"

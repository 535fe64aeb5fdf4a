"""Boxes of a COCO file of instances."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tamis.errors import InputError
from tamis.formats.annotations.boxes import Annotations, BoxAnnotation, declared_size, place, text
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["read_coco"]


def read_coco(file: Path) -> Annotations:
    """Read the boxes of a COCO file; crowds, which are no single thing, are listed as failures.

    An id may be a number in one place and the same number as a text in another. An id that two
    pictures or two categories have says nothing, and the boxes with it are listed as failures.

    Memory: the document without its outlines, some 500 bytes a box.

    Raises:
        InputError: it is no COCO file of instances.
    """
    try:
        document: Any = json.loads(file.read_bytes(), object_hook=_without_outline)
        pictures = _ById("image_id", document["images"], "file_name")
        labels = _ById("category_id", document["categories"], "name")
        entries = list(document["annotations"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{file} is no COCO file of instances (images, annotations, categories): {error}"
        ) from error
    found = Annotations()
    places: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(entries):
        try:
            picture = pictures.of(entry)
            name = text(picture["file_name"])
            found.boxes.append(
                _box(entry, picture, labels, places.setdefault(name, _places(file, name)))
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = entry.get("id", number) if isinstance(entry, dict) else number
            reason = f"annotation {what} cannot be used: {_words(error)}"
            found.failures.append(Failure(str(file), reason, str(file)))
    return found


class _ById:
    """The entries of a list by their ids.

    Args:
        field: what an annotation calls the id.
        entries: each with an `id`.
        name: what tells two entries apart that have one id.
    """

    def __init__(self, field: str, entries: Iterable[dict[str, Any]], name: str) -> None:
        self._field = field
        self._name = name
        self._exact: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        self._loose: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for entry in entries:
            for ids, key in (
                (self._exact, _exact(entry["id"])),
                (self._loose, _loose(entry["id"])),
            ):
                if not any(entry.get(name) == other.get(name) for other in ids[key]):
                    ids[key].append(entry)

    def of(self, annotation: dict[str, Any]) -> dict[str, Any]:
        """Return the entry that an annotation names.

        Raises:
            ValueError: there is none, or several.
        """
        if self._field not in annotation:
            raise ValueError(f"it has no {self._field}")
        wanted = annotation[self._field]
        meant = self._exact.get(_exact(wanted)) or self._loose.get(_loose(wanted), [])
        if not meant:
            raise ValueError(f"there is no {self._field} {wanted!r}")
        if len(meant) > 1:
            names = " and ".join(repr(entry.get(self._name)) for entry in meant[:2])
            raise ValueError(f"the {self._field} {wanted!r} is that of {names}")
        return meant[0]


def _exact(value: Any) -> tuple[str, Any]:
    return ("text" if isinstance(value, str) else "number", value)


def _loose(value: Any) -> str:
    """Return the same for a number and for its text; any other text is itself."""
    words = str(value).strip()
    try:
        number = float(words)
    except ValueError:
        return words
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else words


_EXACT = 2**53
"""Whole numbers below this are exact as floats; longer ids are compared as texts."""


def _box(
    entry: dict[str, Any],
    picture: dict[str, Any],
    labels: _ById,
    places: tuple[str, ...],
) -> BoxAnnotation:
    name = text(picture["file_name"])
    if entry.get("iscrowd"):
        raise ValueError(f"it marks a crowd in {name}, not one thing")
    left, top, width, height = _four_numbers(entry["bbox"])
    return BoxAnnotation(
        picture=name,
        label=text(labels.of(entry)["name"]),
        left=left,
        top=top,
        width=width,
        height=height,
        size=declared_size(picture.get("width"), picture.get("height")),
        places=places,
    )


def _four_numbers(bbox: Any) -> list[float]:
    try:
        numbers = [float(number) for number in bbox]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != _BOX_NUMBERS:
        raise ValueError(f"its bbox {bbox!r:.60} is not left, top, width and height in pixels")
    return numbers


_BOX_NUMBERS = 4


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    """Drop the outline of an object while parsing: it is many times larger than its box."""
    entry.pop("segmentation", None)
    return entry


def _places(file: Path, name: str) -> tuple[str, ...]:
    """Return where the pictures of a COCO file use to lie: beside it, or beside its folder."""
    subset = file.stem.removeprefix("instances_")
    folders = ("", "images", f"../{subset}", "../images", f"../images/{subset}")
    return tuple(place(file.parent, folder, name) for folder in folders)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return " ".join(str(error).split())

"""Boxes of a COCO file of instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tamis.data.annotations.boxes import Annotations, BoxAnnotation, declared_size, place, text
from tamis.errors import InputError
from tamis.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_coco"]


def read_coco(file: Path) -> Annotations:
    """Read the boxes of a COCO file; crowds, which are no single thing, are listed as failures.

    Memory: the document without its outlines, some 500 bytes a box.

    Raises:
        InputError: it is no COCO file of instances.
    """
    try:
        document: Any = json.loads(file.read_bytes(), object_hook=_without_outline)
        pictures = {picture["id"]: picture for picture in document["images"]}
        labels = {category["id"]: category["name"] for category in document["categories"]}
        entries = list(document["annotations"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{file} is no COCO file of instances (images, annotations, categories): {error}"
        ) from error
    found = Annotations()
    places: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(entries):
        try:
            picture = pictures[entry["image_id"]]
            name = text(picture["file_name"])
            found.boxes.append(
                _box(entry, picture, labels, places.setdefault(name, _places(file, name)))
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = entry.get("id", number) if isinstance(entry, dict) else number
            reason = f"annotation {what} cannot be used: {_words(error)}"
            found.failures.append(Failure(str(file), reason, str(file)))
    return found


def _box(
    entry: dict[str, Any],
    picture: dict[str, Any],
    labels: dict[Any, Any],
    places: tuple[str, ...],
) -> BoxAnnotation:
    name = text(picture["file_name"])
    if entry.get("iscrowd"):
        raise ValueError(f"it marks a crowd in {name}, not one thing")
    left, top, width, height = map(float, entry["bbox"])
    return BoxAnnotation(
        picture=name,
        label=text(labels[entry["category_id"]]),
        left=left,
        top=top,
        width=width,
        height=height,
        size=declared_size(picture.get("width"), picture.get("height")),
        places=places,
    )


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

"""Boxes of a COCO file of instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tamis.data.annotations.boxes import Annotations, BoxAnnotation
from tamis.errors import InputError
from tamis.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_coco"]


def read_coco(file: Path) -> Annotations:
    """Read the boxes of a COCO file; crowds, which are no single thing, are left out.

    Raises:
        InputError: it is no COCO file of instances.
    """
    try:
        document: Any = json.loads(file.read_bytes())
        pictures = {picture["id"]: picture for picture in document["images"]}
        labels = {category["id"]: str(category["name"]) for category in document["categories"]}
        entries = list(document["annotations"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{file} is no COCO file of instances (images, annotations, categories): {error}"
        ) from error
    found = Annotations()
    for number, entry in enumerate(entries):
        try:
            if entry.get("iscrowd"):
                continue
            picture = pictures[entry["image_id"]]
            left, top, width, height = map(float, entry["bbox"])
            size = picture.get("width"), picture.get("height")
            found.boxes.append(
                BoxAnnotation(
                    picture=str(picture["file_name"]),
                    label=labels[entry["category_id"]],
                    left=left,
                    top=top,
                    width=width,
                    height=height,
                    size=(int(size[0]), int(size[1])) if all(size) else None,
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"annotation {number} cannot be used: {type(error).__name__} {error}"
            found.failures.append(Failure(str(file), reason))
    return found

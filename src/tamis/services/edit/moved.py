"""An annotation's shapes where its box is moved or stretched."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["by_hand", "moved", "require_box", "without_area"]

_PLACE = ("x", "y", "width", "height")
_RELATIVE = 1e-6


def moved(row: Mapping[str, Any], box: Sequence[float], size: tuple[int, int]) -> dict[str, Any]:
    """Return an annotation with its shapes moved from its box to another one.

    What the source said of its area is dropped, since it is true no more.

    Args:
        row: the annotation.
        box: x, y, width and height.
        size: width and height of the picture.

    Raises:
        UsageError: it has no place, the box is none or lies outside of the picture, or its shape
            cannot be moved so.
    """
    name = row["annotation_id"]
    if row["x"] is None:
        raise UsageError(f"{name} is a {row['kind']}, which has no place to move")
    require_box(box, size)
    if row["mask"] is not None:
        raise UsageError(
            f"{name} has a mask of pixels, which cannot be moved; remove it and import another"
        )
    x, y, width, height = (row[column] for column in _PLACE)
    across, down = box[2] / width, box[3] / height
    if row["kind"] == "rotated_box" and not (
        math.isclose(across, 1, rel_tol=_RELATIVE) and math.isclose(down, 1, rel_tol=_RELATIVE)
    ):
        raise UsageError(
            f"{name} is a rotated box: its width and height, {width:g} and {height:g}, have to stay"
        )

    def points(numbers: Sequence[float], each: int) -> list[float]:
        found = list(numbers)
        for at in range(0, len(found), each):
            if each == 2 or any(found[at : at + each]):  # noqa: PLR2004 - an absent point stays
                found[at] = (found[at] - x) * across + box[0]
                found[at + 1] = (found[at + 1] - y) * down + box[1]
        return found

    return {
        **row,
        **dict(zip(_PLACE, map(float, box), strict=True)),
        "polygon": row["polygon"] and [points(ring, 2) for ring in row["polygon"]],
        "keypoints": row["keypoints"] and points(row["keypoints"], 3),
        "source": without_area(row["source"]),
    }


def require_box(box: Sequence[float], size: tuple[int, int]) -> None:
    """Refuse a box that cannot lie in a picture of that size.

    Raises:
        UsageError: it has no area, or lies outside.
    """
    told = ",".join(f"{value:g}" for value in box)
    if not all(map(math.isfinite, box)) or min(box[2:]) <= 0:
        raise UsageError(f"{told} is no box: give x, y, and a width and height above 0")
    x, y, width, height = box
    if x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0:
        raise UsageError(
            f"the box {told} lies outside of the picture, which has {size[0]} x {size[1]} pixels"
        )


def by_hand(attributes: str | None) -> str | None:
    """Return an annotation's attributes once a person changed it: it is interpolated no more."""
    return _without(attributes, "interpolated")


def without_area(source: str | None) -> str | None:
    """Return what the source said of an annotation, without its area, which is true no more."""
    return _without(source, "area")


def _without(document: str | None, name: str) -> str | None:
    if document is None or f'"{name}"' not in document:
        return document
    said = {key: value for key, value in json.loads(document).items() if key != name}
    return json.dumps(said, ensure_ascii=False) if said else None

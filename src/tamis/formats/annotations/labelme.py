"""LabelMe files, one JSON document a picture."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_labelme", "read_labelme"]

_LOOKED_AT = 4096
_CIRCLE_POINTS = 64
_LARGEST = 256 << 20  # a document holds its picture, if it was saved so


def is_labelme(file: Path) -> bool:
    """Tell whether a file begins as a LabelMe document does."""
    try:
        with file.open("rb") as stream:
            start = stream.read(_LOOKED_AT)
    except OSError:
        return False
    return b'"shapes"' in start and (b'"version"' in start or b'"flags"' in start)


def read_labelme(files: Iterable[Path]) -> Iterator[Said]:
    """Read LabelMe files: rectangles, polygons, circles as polygons of 64 points, single points.

    A shape of another type, such as a line, is listed as a failure.
    """
    for file in files:
        try:
            document = _document(file)
            picture = text(document.get("imagePath") or file.stem).replace("\\", "/")
            size = declared_size(document.get("imageWidth"), document.get("imageHeight"))
            shapes = list(document["shapes"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            yield Failure(str(file), f"is no LabelMe file: {error}", str(file))
            continue
        common: dict[str, Any] = {
            "picture": picture,
            "size": size,
            "places": (place(file.parent, picture),),
            "fallback": file.stem,
        }
        for number, shape in enumerate(shapes, start=1):
            try:
                yield _entry(shape, common)
            except (
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                IndexError,
                OverflowError,
            ) as error:
                reason = f"shape {number} cannot be used: {error}"
                yield Failure(str(file), reason, str(file))


def _document(file: Path) -> dict[str, Any]:
    if file.stat().st_size > _LARGEST:
        raise ValueError("it is larger than 256 MiB")
    document = json.loads(file.read_bytes())
    if not isinstance(document, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - the file is wrong, not the caller
    return document


def _entry(shape: dict[str, Any], common: dict[str, Any]) -> SourceAnnotation:
    points = [(float(x), float(y)) for x, y in shape["points"]]
    label, form = text(shape["label"]), shape.get("shape_type") or "polygon"
    more: dict[str, Any] = {"kind": "polygon"}
    match form:
        case "rectangle":
            more = {"kind": "box"}
        case "polygon" if len(points) > 2:  # noqa: PLR2004 - fewer enclose nothing
            pass
        case "circle":
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            angles = [2 * math.pi * at / _CIRCLE_POINTS for at in range(_CIRCLE_POINTS)]
            points = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
        case _:
            raise ValueError(f"it is a {form} of {len(points)} points")
    if more["kind"] == "polygon":
        more["polygon"] = (tuple(number for point in points for number in point),)
    attributes = {**(shape.get("flags") or {})}
    attributes |= {name: shape[name] for name in ("group_id", "description") if shape.get(name)}
    left, top = min(x for x, _ in points), min(y for _, y in points)
    return SourceAnnotation(
        label=label,
        left=left,
        top=top,
        width=max(x for x, _ in points) - left,
        height=max(y for _, y in points) - top,
        attributes=attributes or None,
        **common,
        **more,
    )

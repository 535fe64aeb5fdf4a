"""CVAT for images 1.1: one XML file for all pictures."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from tamis.errors import InputError
from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_cvat", "read_cvat"]

_LOOKED_AT = 4096
_CHUNK = 1 << 20
_MOST_PIXELS = 1 << 28  # of a picture with masks, each of which takes a byte a pixel


def is_cvat(file: Path) -> bool:
    """Tell whether an XML file begins as CVAT's do."""
    try:
        with file.open("rb") as stream:
            start = stream.read(_LOOKED_AT)
    except OSError:
        return False
    return b"<annotations" in start


def read_cvat(file: Path) -> Iterator[Said]:
    """Read boxes, rotated ones too, polygons, masks and tags, picture by picture.

    Shapes of other types (polylines, points, skeletons) are listed as failures. Memory: one
    picture's shapes at a time, and what is read.

    Raises:
        InputError: it is no such file.
    """
    try:
        _refuse_declarations(file)
        for _, element in ET.iterparse(file):  # noqa: S314 - without declarations nothing expands
            if element.tag == "image":
                yield from _read_picture(file, element)
                element.clear()
    except (OSError, ET.ParseError, ValueError) as error:
        raise InputError(f"{file} is no CVAT file of images: {error}") from error


def _refuse_declarations(file: Path) -> None:
    """Refuse what could expand to more than there is, wherever it stands.

    Raises:
        InputError: the file declares entities.
    """
    before = b""
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            seen = (before + chunk).upper()
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                raise InputError(f"{file} declares entities, which could blow up; remove them")
            before = chunk[-16:]


def _read_picture(file: Path, element: ET.Element) -> Iterator[Said]:
    name = text(element.get("name"))
    common: dict[str, Any] = {
        "picture": name,
        "size": declared_size(element.get("width"), element.get("height")),
        "places": tuple(place(file.parent, folder, name) for folder in ("", "images")),
    }
    for number, shape in enumerate(element, start=1):
        try:
            yield _entry(shape, common)
        except (ValueError, TypeError, OverflowError) as error:
            reason = f"shape {number} of {name} cannot be used: {error}"
            yield Failure(str(file), reason, str(file))


def _entry(shape: ET.Element, common: dict[str, Any]) -> SourceAnnotation:
    label = text(shape.get("label"))
    attributes: dict[str, Any] = {
        one.get("name", ""): one.text or "" for one in shape.findall("attribute")
    }
    attributes |= {"occluded": 1} if shape.get("occluded") == "1" else {}
    common = common | {"attributes": attributes or None}
    match shape.tag:
        case "tag":
            return SourceAnnotation(label=label, kind="classification", **common)
        case "box":
            left, top, right, bottom = (
                float(shape.get(edge, "nan")) for edge in ("xtl", "ytl", "xbr", "ybr")
            )
            if angle := float(shape.get("rotation", 0)):
                corners = _rotated((left, top, right, bottom), math.radians(angle))
                return _outlined(label, corners, common, kind="rotated_box")
            return SourceAnnotation(
                label=label, left=left, top=top, width=right - left, height=bottom - top, **common
            )
        case "polygon":
            pairs = [point.split(",") for point in shape.get("points", "").split(";")]
            ring = [float(number) for pair in pairs for number in pair]
            return _outlined(label, ring, common, kind="polygon")
        case "mask":
            return _mask(shape, label, common)
    raise ValueError(f"it is a {shape.tag}")


def _outlined(
    label: str, ring: list[float], common: dict[str, Any], *, kind: Any
) -> SourceAnnotation:
    if len(ring) < 6 or len(ring) % 2:  # noqa: PLR2004 - three points
        raise ValueError(f"its outline has {len(ring)} numbers")
    left, top = min(ring[::2]), min(ring[1::2])
    return SourceAnnotation(
        label=label,
        left=left,
        top=top,
        width=max(ring[::2]) - left,
        height=max(ring[1::2]) - top,
        kind=kind,
        polygon=(tuple(ring),),
        **common,
    )


def _rotated(box: tuple[float, float, float, float], angle: float) -> list[float]:
    """Return the corners of a box turned clockwise about its center."""
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    cos, sin = math.cos(angle), math.sin(angle)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [
        round(number, 6)
        for a, b in corners
        for number in (
            x + (a - x) * cos - (b - y) * sin,
            y + (a - x) * sin + (b - y) * cos,
        )
    ]


def _mask(shape: ET.Element, label: str, common: dict[str, Any]) -> SourceAnnotation:
    """Read a mask, which CVAT writes row by row within its box."""
    import numpy as np

    from tamis.algo.run_lengths import counts_of, mask_of

    left, top, width, height = (int(shape.get(n, "-1")) for n in ("left", "top", "width", "height"))
    size = common["size"]
    if size is None or min(left, top) < 0 or left + width > size[0] or top + height > size[1]:
        raise ValueError("its mask lies outside of the picture, or the picture has no size")
    if size[0] * size[1] > _MOST_PIXELS:
        raise ValueError(f"its picture is too large, {size[0]} x {size[1]}")
    runs = [int(word) for word in shape.get("rle", "").split(",")]
    whole = np.zeros((size[1], size[0]), bool)
    whole[top : top + height, left : left + width] = mask_of(runs, height, width).T
    return SourceAnnotation(
        label=label,
        left=left,
        top=top,
        width=width,
        height=height,
        kind="mask",
        mask=tuple(counts_of(whole)),
        **common,
    )

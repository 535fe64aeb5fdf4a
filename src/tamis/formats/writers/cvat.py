"""Write CVAT for images 1.1: pictures, and one XML file for all."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from tamis.algo.run_lengths import counts_of, mask_of, read_counts
from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["CvatWriter"]


class CvatWriter:
    """Writes `annotations.xml`: tags, boxes, rotated boxes, polygons and masks.

    A polygon of several rings becomes as many polygons. Memory: one picture's annotations.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in ("images", picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        with (folder / "annotations.xml").open("w", encoding="utf-8") as stream:
            stream.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
            stream.write("  <version>1.1</version>\n")
            for number, picture in enumerate(exported.annotated):
                name = "/".join(part for part in (picture.subset, picture.name) if part)
                about = {
                    "id": number,
                    "name": name,
                    "subset": picture.subset,
                    "width": picture.width,
                    "height": picture.height,
                }
                stream.write(f"  <image{_attributes(about)}>\n")
                for row in picture.rows:
                    for line in _elements(row, picture, exported):
                        stream.write(f"    {line}\n")
                stream.write("  </image>\n")
            stream.write("</annotations>\n")
        return ["annotations.xml"]


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())


def _elements(
    row: Mapping[str, Any], picture: AnnotatedPicture, exported: Exported
) -> Iterator[str]:
    kind, losses = row["kind"], exported.losses
    placeless = row.get("x") is None
    if row.get("label") is None or row.get("crowd") or (placeless and kind != "classification"):
        losses.count("crowd" if row.get("crowd") else kind)
        return
    if row.get("confidence") is not None:
        losses.count(kind, "written without confidence")
    said = json.loads(row["attributes"]) if row.get("attributes") else {}
    common = {"label": row["label"], "source": "manual"}
    if kind == "classification":
        yield _element("tag", common, said)
        return
    common["occluded"] = "1" if said.pop("occluded", 0) in (1, "1", True) else "0"
    if kind == "rotated_box":
        yield _element("box", common | _turned(row["polygon"][0]), said)
    elif rings := row.get("polygon"):
        if row.get("keypoints"):
            losses.count(kind, "written without keypoints")
        for ring in rings:
            yield _element("polygon", common | {"points": _points(ring)}, said)
    elif mask := row.get("mask"):
        yield _element("mask", common | _mask(mask, picture), said)
    else:
        if kind != "box":
            losses.count(kind, "written as the boxes around them")
        left, top = row["x"], row["y"]
        edges = {"xtl": left, "ytl": top, "xbr": left + row["width"], "ybr": top + row["height"]}
        yield _element("box", common | {name: _number(edge) for name, edge in edges.items()}, said)


def _element(name: str, values: Mapping[str, object], said: Mapping[str, Any]) -> str:
    inner = "".join(
        f"<attribute{_attributes({'name': key})}>{escape(_text(value))}</attribute>"
        for key, value in said.items()
    )
    head = f"{name}{_attributes(values)}"
    return f"<{head}>{inner}</{name}>" if inner else f"<{head}/>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _points(ring: Sequence[float]) -> str:
    pairs = zip(ring[::2], ring[1::2], strict=True)
    return ";".join(f"{_number(x)},{_number(y)}" for x, y in pairs)


def _turned(corners: Sequence[float]) -> dict[str, str]:
    """Return a rotated box as CVAT has it: the box before it is turned about its center."""
    points = np.array(corners).reshape(4, 2)
    x, y = points.mean(axis=0)
    across, down = points[1] - points[0], points[3] - points[0]
    width, height = float(np.hypot(*across)), float(np.hypot(*down))
    angle = math.degrees(math.atan2(across[1], across[0])) % 360
    edges = {
        "xtl": x - width / 2,
        "ytl": y - height / 2,
        "xbr": x + width / 2,
        "ybr": y + height / 2,
    }
    return {name: _number(float(edge)) for name, edge in edges.items()} | {
        "rotation": _number(angle)
    }


def _mask(text: str, picture: AnnotatedPicture) -> dict[str, object]:
    mask = mask_of(read_counts(text), picture.width, picture.height)
    rows, columns = np.nonzero(mask)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    runs = counts_of(mask[top:bottom, left:right].T)
    return {
        "rle": ", ".join(map(str, runs)),
        "left": left,
        "top": top,
        "width": right - left,
        "height": bottom - top,
    }


FORMAT = AnnotationFormat(CvatWriter)

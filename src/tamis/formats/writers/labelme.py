"""Write LabelMe: pictures, and a JSON document beside each."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["LabelMeWriter"]


class LabelMeWriter:
    """Writes `SPLIT/*.json` beside the pictures; several rings of one object share a `group_id`."""

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in (picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        files = []
        for picture in exported.annotated:
            stem = posixpath.splitext(picture.name)[0]
            file = "/".join(part for part in (picture.subset, f"{stem}.json") if part)
            shapes = [
                shape
                for number, row in enumerate(picture.rows, start=1)
                for shape in _shapes(row, number, exported)
            ]
            document: dict[str, Any] = {
                "version": "5.0.1",
                "flags": {},
                "shapes": shapes,
                "imagePath": picture.name,
                "imageData": None,
                "imageHeight": picture.height,
                "imageWidth": picture.width,
            }
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
            files.append(file)
        return files


def _shapes(row: Mapping[str, Any], number: int, exported: Exported) -> Iterator[dict[str, Any]]:
    kind, losses = row["kind"], exported.losses
    if row.get("x") is None or row.get("label") is None or row.get("crowd"):
        losses.count("crowd" if row.get("crowd") else kind)
        return
    if row.get("confidence") is not None:
        losses.count(kind, "written without confidence")
    if row.get("attributes"):
        losses.count(kind, "written without attributes")
    if rings := row.get("polygon"):
        if kind != "polygon":
            losses.count(kind, "written as polygons")
        for ring in rings:
            group = number if len(rings) > 1 else None
            pairs = zip(ring[::2], ring[1::2], strict=True)
            yield _shape(row["label"], [list(pair) for pair in pairs], "polygon", group)
        return
    if kind != "box":
        losses.count(kind, "written as the boxes around them")
    left, top = row["x"], row["y"]
    corners = [[left, top], [left + row["width"], top + row["height"]]]
    yield _shape(row["label"], corners, "rectangle", None)


def _shape(label: str, points: list[list[float]], form: str, group: int | None) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": group, "shape_type": form, "flags": {}}


FORMAT = AnnotationFormat(LabelMeWriter)

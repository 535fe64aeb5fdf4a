"""Write YOLO as ultralytics reads it: pictures, label files and `data.yaml`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import yaml

from tamis.formats.exports.annotated_picture import AnnotationFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported, Losses

__all__ = ["YoloWriter"]

_DIGITS = 9


class YoloWriter:
    """Writes `labels/SPLIT/*.txt` and `data.yaml`.

    A YOLO dataset is of one task. Keypoints make it one of poses, else rotated boxes, else outlines
    of segments; without them it is one of boxes. What does not fit the task becomes a box, or an
    outline of four points among segments, and is counted.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in ("images", picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        order = {"keypoints": "pose", "rotated_box": "obb", "polygon": "segment"}
        task = next((task for kind, task in order.items() if kind in exported.kinds), "detect")
        numbers = {name: number for number, name in enumerate(exported.classes)}
        files = []
        for picture in exported.annotated:
            lines = [
                line
                for row in picture.rows
                if (line := _line(row, picture, numbers, exported, task)) is not None
            ]
            stem = posixpath.splitext(picture.name)[0]
            file = "/".join(part for part in ("labels", picture.subset, f"{stem}.txt") if part)
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            files.append(file)
        settings = _settings(exported, task)
        text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
        (folder / "data.yaml").write_text(text, encoding="utf-8")
        return [*files, "data.yaml"]


def _settings(exported: Exported, task: str) -> dict[str, Any]:
    subsets = [name for name in exported.subsets if name]
    places = {name: f"images/{name}" for name in subsets} or {"train": "images"}
    first = next(iter(places.values()))
    settings: dict[str, Any] = {
        "train": places.get("train", first),
        "val": places.get("val", places.get("test", first)),
    }
    settings |= places
    if task == "pose":
        settings["kpt_shape"] = [exported.points, 3]
    return settings | {"names": dict(enumerate(exported.classes))}


def _line(
    row: Mapping[str, Any],
    picture: AnnotatedPicture,
    numbers: Mapping[str, int],
    exported: Exported,
    task: str,
) -> str | None:
    kind, losses = row["kind"], exported.losses
    if row.get("label") is None or row.get("x") is None or row.get("crowd"):
        losses.count("crowd" if row.get("crowd") else kind)
        return None
    if task == "pose" and len(row.get("keypoints") or ()) != 3 * exported.points:
        losses.count(kind, f"left out, without {exported.points} keypoints each")
        return None
    if row.get("attributes"):
        losses.count(kind, "written without attributes")
    shape = _SHAPES[task](row, picture, losses)
    if row.get("confidence") is not None:
        if task in ("detect", "pose"):
            shape.append(row["confidence"])
        else:
            losses.count(kind, "written without confidence")
    return " ".join([str(numbers[row["label"]]), *map(_number, shape)])


def _segment(row: Mapping[str, Any], picture: AnnotatedPicture, losses: Losses) -> list[float]:
    rings = row.get("polygon") or []
    if len(rings) > 1:
        losses.count(row["kind"], "written as the first of several rings")
    elif not rings:
        losses.count(row["kind"], "written as outlines of four points")
    return _shares(rings[0] if rings else _corners(row), picture)


def _rotated(row: Mapping[str, Any], picture: AnnotatedPicture, losses: Losses) -> list[float]:
    if row["kind"] == "rotated_box":
        return _shares(row["polygon"][0], picture)
    losses.count(row["kind"], "written as outlines of four points")
    return _shares(_corners(row), picture)


def _pose(row: Mapping[str, Any], picture: AnnotatedPicture, losses: Losses) -> list[float]:
    if row.get("polygon") or row.get("mask"):
        losses.count(row["kind"], "written without outlines")
    shape = _box(row, picture)
    points = row["keypoints"]
    for at in range(0, len(points), 3):
        shape += [*_shares(points[at : at + 2], picture), points[at + 2]]
    return shape


def _detect(row: Mapping[str, Any], picture: AnnotatedPicture, losses: Losses) -> list[float]:
    if row["kind"] != "box":
        losses.count(row["kind"], "written as the boxes around them")
    return _box(row, picture)


_SHAPES = {"segment": _segment, "obb": _rotated, "pose": _pose, "detect": _detect}


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")


def _box(row: Mapping[str, Any], picture: AnnotatedPicture) -> list[float]:
    x, y, width, height = (row[name] for name in ("x", "y", "width", "height"))
    across, down = picture.width, picture.height
    return [(x + width / 2) / across, (y + height / 2) / down, width / across, height / down]


def _corners(row: Mapping[str, Any]) -> list[float]:
    x, y, width, height = (row[name] for name in ("x", "y", "width", "height"))
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def _shares(numbers: Sequence[float], picture: AnnotatedPicture) -> list[float]:
    sides = picture.width, picture.height
    return [number / sides[at % 2] for at, number in enumerate(numbers)]


FORMAT = AnnotationFormat(YoloWriter)

"""Tasks of Label Studio: a JSON list, each with annotations and predictions."""

from __future__ import annotations

import math
import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tamis.algo.packed_runs import unpack_mask
from tamis.algo.run_lengths import box_of_counts, counts_of
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.json_members import open_json, read_members
from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_label_studio", "read_label_studio"]

_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(.+)")
_POINT: Final = re.compile(r"point([1-9][0-9]{0,3})")
_MOST_PIXELS: Final = 1 << 28
_ARC: Final = 64
_NOT_USABLE: Final = (
    KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError,
)  # fmt: skip


def is_label_studio(file: Path) -> bool:
    """Tell whether a file is a list of tasks, by the first."""
    try:
        with open_json(file) as stream:
            name, value = next(read_members(stream, ()), ("", iter(())))
            first = None if name else next(value, None)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and isinstance(first.get("data"), dict)


def read_label_studio(file: Path, field: str | None = None) -> Iterator[Said]:
    """Read the results of tasks: boxes, polygons, ellipses, brushes, keypoints, choices, texts.

    Annotations that were canceled are left out. Where several people annotated a task, all count,
    and each says who. Memory: one task.

    Args:
        file: the export as JSON.
        field: `annotations` if None, or `predictions`.

    Raises:
        InputError: it is no list of tasks.
        UsageError: there is no such field.
    """
    field = field or "annotations"
    if field not in ("annotations", "predictions"):
        raise UsageError(f"{file} has no field {field!r}; name annotations or predictions")
    others = several = 0
    try:
        with open_json(file) as stream:
            for name, tasks in read_members(stream, ()):
                if name:
                    raise InputError(f"{file} is no list of tasks of Label Studio")
                for number, task in enumerate(tasks, start=1):
                    try:
                        told = _told(task, field)
                        common = _picture(file, task)
                    except _NOT_USABLE as error:
                        reason = f"task {number} cannot be used: {_words(error)}"
                        yield Failure(str(file), reason, str(file))
                        continue
                    others += field == "annotations" and bool(task.get("predictions"))
                    several += len(told) > 1
                    for one in told:
                        yield from _results(file, one, common)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is no list of tasks of Label Studio: {error}") from error
    if others:
        tasks_have = "tasks have" if others > 1 else "task has"
        yield f"{others} {tasks_have} predictions, not read; they are the field `predictions`"
    if several:
        tasks_have = "tasks have" if several > 1 else "task has"
        yield f"{several} {tasks_have} {field} of several people, and all were read"


def _told(task: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    told = task.get(field)
    if told is None and field == "annotations":
        told = task.get("completions")  # as they were called before version 1
    return [one for one in told or [] if not one.get("was_cancelled")]


def _picture(file: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a task names its picture."""
    data = task["data"]
    named = [data[key] for key in ("image", "img", "image_url", "url") if key in data]
    named += [value for value in data.values() if isinstance(value, str)]
    if not named:
        raise ValueError("its data names no picture")
    address = urlsplit(text(named[0]))
    local = parse_qs(address.query).get("d")
    path = local[0] if local else unquote(address.path) or text(named[0])
    path = text(path.replace("\\", "/"))
    base = posixpath.basename(path)
    if "/data/upload/" in path and (uploaded := _UPLOADED.fullmatch(base)):
        path = base = uploaded[1]  # Label Studio puts a code in front of names
    return {
        "picture": path,
        "places": (place(file.parent, path.lstrip("/")),),
        "fallback": posixpath.splitext(base)[0],
    }


def _results(file: Path, told: Mapping[str, Any], common: dict[str, Any]) -> Iterator[Said]:
    try:
        results = list(told.get("result") or [])
        regions = _Regions(results)
    except _NOT_USABLE as error:
        reason = f"results of {common['picture']} cannot be used: {_words(error)}"
        yield Failure(str(file), reason, str(file))
        return
    who = told.get("completed_by")
    who = who.get("email", who.get("id")) if isinstance(who, dict) else who
    source = {} if who is None else {"source": {"completed_by": who}}
    for number, result in enumerate(results, start=1):
        try:
            if not regions.is_part(result):
                yield from _entries(result, regions, {**common, **source}, told)
        except _NOT_USABLE as error:
            reason = f"result {number} of {common['picture']} cannot be used: {_words(error)}"
            yield Failure(str(file), reason, str(file))


class _Regions:
    """What results of one annotation say of each other: labels, choices and points of a region."""

    def __init__(self, results: Sequence[Mapping[str, Any]]) -> None:
        self._by_id: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._points: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for result in results:
            if isinstance(name := result.get("id"), str):
                self._by_id[name].append(result)
            if isinstance(parent := result.get("parentID"), str):
                self._points[parent].append(result)

    def is_part(self, result: Mapping[str, Any]) -> bool:
        """Tell whether a result says something of another one."""
        if "keypointlabels" in result["value"] and result.get("parentID") in self._by_id:
            return True
        others = [one for one in self._by_id.get(result.get("id", ""), []) if one is not result]
        if _is_region(result["value"]):
            # one region comes twice, as a shape and with its labels; the one with them counts
            return not _labels(result["value"]) and any(
                _is_region(one["value"]) and _labels(one["value"]) for one in others
            )
        return any(_is_region(one["value"]) for one in others)

    def said_of(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return what choices and texts of a region say."""
        said = dict(result["meta"]) if isinstance(result.get("meta"), dict) else {}
        for one in self._by_id.get(result.get("id", ""), []):
            if not _is_region(one["value"]):
                values = [value for value in one["value"].values() if value is not None]
                said |= {str(one.get("from_name")): value for value in values[:1]}
        return said

    def points_of(self, result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the keypoints that are parts of a region."""
        parts = self._points.get(result.get("id", ""), [])
        return [one for one in parts if "keypointlabels" in one["value"]]


def _is_region(value: Mapping[str, Any]) -> bool:
    return bool(value.keys() & {"x", "points", "rle"})


def _labels(value: Mapping[str, Any]) -> list[str]:
    """Return the classes of a region; the key is `labels` or ends so."""
    found = [names for key, names in value.items() if key.endswith("labels")]
    return [text(name) for names in found for name in names]


def _entries(
    result: Mapping[str, Any], regions: _Regions, common: dict[str, Any], told: Mapping[str, Any]
) -> Iterator[SourceAnnotation]:
    value = result["value"]
    score = result.get("score", told.get("score") if "model_version" in told else None)
    common = common | {"confidence": None if score is None else float(score)}
    if _is_region(value):
        common |= {"attributes": regions.said_of(result) or None}
        yield from _region(result, regions.points_of(result), common)
        return
    name = text(result.get("from_name"))
    if meta := result.get("meta"):
        common |= {"attributes": meta}
    match value:
        case {"choices": [*choices]}:
            for choice in choices:
                yield SourceAnnotation(label=text(choice), kind="classification", **common)
        case {"text": said}:
            for caption in [said] if isinstance(said, str) else said:
                yield SourceAnnotation(label=None, kind="caption", text=text(caption), **common)
        case {"number": number} | {"rating": number}:
            yield SourceAnnotation(label=name, kind="number", value=float(number), **common)
        case _:
            raise ValueError(f"it is a {result.get('type')!r:.40}")


def _region(
    result: Mapping[str, Any], points: Sequence[Mapping[str, Any]], common: dict[str, Any]
) -> Iterator[SourceAnnotation]:
    if result.get("image_rotation"):
        raise ValueError(f"its picture was turned by {result['image_rotation']} degrees")
    size = declared_size(result.get("original_width"), result.get("original_height"))
    if size is None:
        raise ValueError("it has no original_width and original_height")
    labels = _labels(result["value"])
    if not labels:
        raise ValueError("it has no label")
    shape = _shape(result["value"], size, points)
    for label in labels:
        yield SourceAnnotation(label=label, size=size, **shape, **common)


def _shape(
    value: Mapping[str, Any], size: tuple[int, int], parts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a region in pixels, as fields of an annotation."""
    across, down = size[0] / 100, size[1] / 100
    if "rle" in value:
        return _brush(value["rle"], size)
    if "points" in value:
        if value.get("closed") is False:
            raise ValueError("it is an open line")
        return _ring([(float(x) * across, float(y) * down) for x, y in value["points"]])
    x, y = float(value["x"]) * across, float(value["y"]) * down
    if "radiusX" in value:
        radii = float(value["radiusX"]) * across, float(value["radiusY"]) * down
        return _ellipse((x, y), radii, math.radians(float(value.get("rotation") or 0)))
    if "keypointlabels" in value:
        side = max(1.0, float(value.get("width") or 0) * across)
        box = {"left": x - side / 2, "top": y - side / 2, "width": side, "height": side}
        return box | {"kind": "keypoints", "keypoints": (x, y, 2)}
    return _rectangle(value, size) | (
        {"kind": "keypoints", "keypoints": _keypoints(parts, across, down)} if parts else {}
    )


def _rectangle(value: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    across, down = size[0] / 100, size[1] / 100
    x, y = float(value["x"]) * across, float(value["y"]) * down
    width, height = float(value["width"]) * across, float(value["height"]) * down
    angle = math.radians(float(value.get("rotation") or 0))
    if angle:
        cos, sin = math.cos(angle), math.sin(angle)
        corners = ((0, 0), (width, 0), (width, height), (0, height))
        ring = [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in corners]
        return _ring(ring) | {"kind": "rotated_box"}
    return {
        "left": _exact(x), "top": _exact(y), "width": _exact(width), "height": _exact(height),
    }  # fmt: skip


def _exact(number: float) -> float:
    return round(number, 6)  # what a percentage has beyond that is its error


def _ring(points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    if len(points) < 3:  # noqa: PLR2004 - fewer enclose nothing
        raise ValueError(f"its outline has {len(points)} points")
    ring = tuple(_exact(number) for point in points for number in point)
    left, top = min(ring[::2]), min(ring[1::2])
    return {
        "kind": "polygon",
        "polygon": (ring,),
        "left": left,
        "top": top,
        "width": max(ring[::2]) - left,
        "height": max(ring[1::2]) - top,
    }


def _ellipse(
    center: tuple[float, float], radii: tuple[float, float], angle: float
) -> dict[str, Any]:
    points = []
    for at in range(_ARC):
        a = radii[0] * math.cos(2 * math.pi * at / _ARC)
        b = radii[1] * math.sin(2 * math.pi * at / _ARC)
        x = center[0] + a * math.cos(angle) - b * math.sin(angle)
        y = center[1] + a * math.sin(angle) + b * math.cos(angle)
        points.append((x, y))
    return _ring(points)


def _brush(packed: Sequence[int], size: tuple[int, int]) -> dict[str, Any]:
    if size[0] * size[1] > _MOST_PIXELS:
        raise ValueError(f"its picture is too large, {size[0]} x {size[1]}")
    counts = counts_of(unpack_mask(packed, *size))
    box = box_of_counts(counts, size[1])
    if box is None:
        raise ValueError("its mask is empty")
    left, top, width, height = box
    return {
        "kind": "mask", "mask": tuple(counts),
        "left": left, "top": top, "width": width, "height": height,
    }  # fmt: skip


def _keypoints(parts: Sequence[Mapping[str, Any]], across: float, down: float) -> tuple[float, ...]:
    """Return points in their order, or at the numbers that their labels `point1` and so on say."""
    found: dict[int, tuple[float, float]] = {}
    for number, part in enumerate(parts):
        value = part["value"]
        named = _POINT.fullmatch(text(value["keypointlabels"][0]))
        at = int(named[1]) - 1 if named else number
        if at in found:
            raise ValueError(f"two of its keypoints are number {at + 1}")
        found[at] = _exact(float(value["x"]) * across), _exact(float(value["y"]) * down)
    points: list[float] = []
    for at in range(max(found) + 1):
        points += (*found[at], 2) if at in found else (0, 0, 0)
    return tuple(points)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return " ".join(str(error).split())[:200]

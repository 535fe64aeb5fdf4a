"""Dataset folders of FiftyOne: `samples.json`, one document a picture."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.run_lengths import counts_of
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.json_members import open_json, read_members
from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.outside_arrays import read_array
from tamis.types import Failure
from tamis.wording import meant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_fiftyone", "read_fiftyone"]

_LISTS: Final = {
    "Classifications": "classifications",
    "Detections": "detections",
    "Polylines": "polylines",
    "Keypoints": "keypoints",
}
_SINGLE: Final = ("Classification", "Detection", "Polyline", "Keypoint")
_KNOWN: Final = frozenset({
    "_id", "_cls", "id", "tags", "label", "confidence", "bounding_box", "mask", "mask_path",
    "points", "closed", "filled", "rotated", "visible", "index", "iscrowd", "logits", "attributes",
    "instance",
})  # fmt: skip
_SIDE: Final = ("_polylines", "_keypoints", "_classes", "_captions")
_LARGEST_MASK: Final = 1 << 28
_NOT_USABLE: Final = (
    KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, EOFError,
    zlib.error,
)  # fmt: skip


def is_fiftyone(folder: Path) -> bool:
    """Tell whether a folder is a dataset of FiftyOne."""
    return (folder / "samples.json").is_file() and (folder / "metadata.json").is_file()


def read_fiftyone(source: Path, field: str | None = None) -> Iterator[Said]:
    """Read classes, boxes, masks, polylines and keypoints, picture by picture.

    Args:
        source: the folder, or its `samples.json`.
        field: whose labels; if None, `ground_truth`, or the only one there is. The fields that
            begin with its name and end in `_polylines`, `_keypoints`, `_classes` or `_captions`
            belong to it.

    Raises:
        InputError: it cannot be read.
        UsageError: there is no such field, or there are several and none was named.
    """
    file = source / "samples.json" if source.is_dir() else source
    try:
        field = _field(file, field)
        for sample in _samples(file):
            yield from _labels(file, sample, field)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is no samples.json of FiftyOne: {error}") from error


def _samples(file: Path) -> Iterator[dict[str, Any]]:
    with open_json(file) as stream:
        for name, value in read_members(stream, ("samples",)):
            if name == "samples":
                for sample in value if isinstance(value, Iterator) else [value]:
                    if not isinstance(sample, dict):
                        raise ValueError(f"a sample is {sample!r:.40}")  # noqa: TRY004 - the file
                    yield sample


def _field(file: Path, asked: str | None) -> str:
    found: set[str] = set()
    for sample in _samples(file):
        for name, value in sample.items():
            if isinstance(value, dict) and str(value.get("_cls")) in (*_LISTS, *_SINGLE):
                found.add(_stem(name))
    if asked is not None:
        if asked not in found:
            raise UsageError(f"{file} has no field of labels {asked!r}; {meant(asked, found)}")
        return asked
    if len(found) == 1:
        return found.pop()
    if "ground_truth" in found or not found:
        return "ground_truth"
    names = ", ".join(sorted(found))
    raise UsageError(f"{file} has several fields of labels, {names}: name one of them as field")


def _stem(name: str) -> str:
    for ending in _SIDE:
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _labels(file: Path, sample: dict[str, Any], field: str) -> Iterator[Said]:
    try:
        path = text(sample["filepath"]).replace("\\", "/")
        about = sample.get("metadata") or {}
        common: dict[str, Any] = {
            "picture": path,
            "places": (place(file.parent, path),),
            "size": declared_size(about.get("width"), about.get("height")),
        }
    except _NOT_USABLE as error:
        yield Failure(str(file), f"a sample has no filepath that can be used: {error}", str(file))
        return
    for name, value in sample.items():
        if _stem(name) != field or not isinstance(value, dict):
            continue
        kind = str(value.get("_cls"))
        labels = value.get(_LISTS[kind]) if kind in _LISTS else [value]
        for number, label in enumerate(labels if isinstance(labels, list) else [], start=1):
            try:
                yield _entry(label, name, common)
            except _NOT_USABLE as error:
                reason = f"{name} {number} of {path} cannot be used: {_words(error)}"
                yield Failure(str(file), reason, str(file))


def _entry(label: dict[str, Any], name: str, common: Mapping[str, Any]) -> SourceAnnotation:
    score = label.get("confidence")
    score = None if isinstance(score, list) else score  # keypoints may have one each
    said = {key: value for key, value in label.items() if key not in _KNOWN}
    more: dict[str, Any] = {
        **common,
        "confidence": None if score is None else float(score),
        "attributes": said or None,
        "crowd": bool(label.get("iscrowd")),
    }
    match label.get("_cls"):
        case "Classification" if name.endswith("_captions"):
            return SourceAnnotation(label=None, kind="caption", text=text(label["label"]), **more)
        case "Classification":
            return SourceAnnotation(label=text(label["label"]), kind="classification", **more)
        case "Detection":
            return _detection(label, more)
        case "Polyline":
            if not (label.get("closed") or label.get("filled")):
                raise ValueError("it is an open line")
            rings = tuple(
                tuple(float(n) for point in ring for n in point) for ring in label["points"]
            )
            kind = "rotated_box" if label.get("rotated") else "polygon"
            return _around(text(label["label"]), rings, more | {"kind": kind, "polygon": rings})
        case "Keypoint":
            return _keypoints(label, more)
    raise ValueError(f"it is a {label.get('_cls')!r:.40}")


def _around(
    label: str, rings: tuple[tuple[float, ...], ...], more: Mapping[str, Any]
) -> SourceAnnotation:
    across = [number for ring in rings for number in ring[::2]]
    down = [number for ring in rings for number in ring[1::2]]
    if not across:
        raise ValueError("it has no points")
    return SourceAnnotation(
        label=label,
        left=min(across),
        top=min(down),
        width=max(across) - min(across),
        height=max(down) - min(down),
        relative=True,
        **more,
    )


def _detection(label: dict[str, Any], more: dict[str, Any]) -> SourceAnnotation:
    left, top, width, height = map(float, label["bounding_box"])
    if (packed := label.get("mask")) is not None:
        size = more["size"]
        if size is None:
            raise ValueError("it has a mask, and its picture has no size in metadata")
        mask = _mask(_array(packed), (left, top, width, height), size)
        more = more | {"kind": "mask", "mask": tuple(counts_of(mask))}
    elif label.get("mask_path"):
        raise ValueError("its mask is in a file of its own")
    return SourceAnnotation(
        label=text(label["label"]), left=left, top=top, width=width, height=height,
        relative=True, **more,
    )  # fmt: skip


def _array(packed: Any) -> NDArray[np.bool_]:
    """Return an array that FiftyOne compressed, as text or as binary of MongoDB."""
    if isinstance(packed, dict):
        packed = packed["$binary"]
        packed = packed["base64"] if isinstance(packed, dict) else packed
    engine = zlib.decompressobj()
    content = engine.decompress(base64.b64decode(packed), _LARGEST_MASK)
    if engine.unconsumed_tail:
        raise ValueError("its mask is too large")
    array = read_array(content)
    if array.ndim != 2:  # noqa: PLR2004 - height and width
        raise ValueError(f"its mask has {array.ndim} dimensions")
    return np.asarray(array > 0)


def _mask(
    mask: NDArray[np.bool_], box: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the mask of a whole picture, of one of a box, which is stretched to that."""
    if size[0] * size[1] > _LARGEST_MASK or not all(map(math.isfinite, box)):
        raise ValueError("its picture is too large, or its box no box")
    left, right = (round(size[0] * edge) for edge in (box[0], box[0] + box[2]))
    top, bottom = (round(size[1] * edge) for edge in (box[1], box[1] + box[3]))
    if not (0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]) or not mask.size:
        raise ValueError("its box lies outside of the picture")
    height, width = mask.shape
    rows = (np.arange(bottom - top) + 0.5) * height / (bottom - top)
    columns = (np.arange(right - left) + 0.5) * width / (right - left)
    whole = np.zeros((size[1], size[0]), bool)
    whole[top:bottom, left:right] = mask[rows.astype(int)][:, columns.astype(int)]
    return whole


def _keypoints(label: dict[str, Any], more: dict[str, Any]) -> SourceAnnotation:
    visible = label.get("visible") or [None] * len(label["points"])
    points: list[float] = []
    for point, seen in zip(label["points"], visible, strict=True):
        x, y = map(_coordinate, point)
        if math.isfinite(x) and math.isfinite(y):
            points += [x, y, 2 if seen is None else int(seen)]
        else:
            points += [0, 0, 0]
    more = more | {"kind": "keypoints", "keypoints": tuple(points)}
    if "bounding_box" in label:
        left, top, width, height = map(float, label["bounding_box"])
        return SourceAnnotation(
            label=text(label["label"]), left=left, top=top, width=width, height=height,
            relative=True, **more,
        )  # fmt: skip
    seen = [points[at : at + 2] for at in range(0, len(points), 3) if points[at + 2]]
    return _around(text(label["label"]), tuple(tuple(point) for point in seen), more)


def _coordinate(value: Any) -> float:
    """Return a number as JSON or MongoDB write it; of a point that is absent, not a number."""
    if isinstance(value, dict):
        value = next(iter(value.values()))
    return math.nan if value is None else float(value)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return " ".join(str(error).split())[:200]

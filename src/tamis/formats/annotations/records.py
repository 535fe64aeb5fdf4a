"""What a record of any shape says of a picture, as datasets of Hugging Face and WebDataset have it.

Classes are `label`, objects a field `objects` of lists or a list of objects, captions `text` or
`caption`. See `tamis.formats.exports.records` for what is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from tamis.algo.run_lengths import read_counts
from tamis.dataset.annotation_layers import KINDS
from tamis.formats.annotations.source_annotation import (
    PLACELESS,
    SourceAnnotation,
    declared_size,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["read_record"]

_BOX: Final = ("bbox", "bboxes", "boxes", "box")
_CLASS: Final = ("category", "categories", "label", "labels", "class", "category_id", "name")
_CAPTION: Final = ("text", "caption")
_NOT_USABLE: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
)


def read_record(
    record: Mapping[str, Any],
    common: Mapping[str, Any],
    file: Path,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Said]:
    """Yield what a record says of its picture.

    Args:
        record: the record.
        common: the picture, as fields of a `SourceAnnotation`.
        file: where it was read, for failures.
        names: names of classes by the field whose numbers mean them, such as `objects.category`.
    """
    names = names or {}
    about = {**common, "size": declared_size(record.get("width"), record.get("height"))}

    def failure(what: str, error: Exception) -> Failure:
        reason = f"{what} of {common['picture']} cannot be used: {_words(error)}"
        return Failure(str(file), reason, str(file))

    try:
        yield from _whole(record, common, names)
    except _NOT_USABLE as error:
        yield failure("what is said", error)
    try:
        objects, prefix = _objects(record)
    except _NOT_USABLE as error:
        yield failure("the objects", error)
        return
    for number, one in enumerate(objects, start=1):
        try:
            yield _object(one, about, names, prefix)
        except _NOT_USABLE as error:
            yield failure(f"object {number}", error)


def _whole(
    record: Mapping[str, Any], common: Mapping[str, Any], names: Mapping[str, Sequence[str]]
) -> Iterator[SourceAnnotation]:
    """Yield classes, captions and numbers."""
    if isinstance(several := record.get("labels"), dict) and "name" in several:
        scores = several.get("confidence") or [None] * len(several["name"])
        for name, score in zip(several["name"], scores, strict=True):
            yield SourceAnnotation(
                label=_named(name, names.get("labels.name")),
                kind="classification",
                confidence=None if score is None else float(score),
                **common,
            )
    elif (label := record.get("label")) is not None and not isinstance(label, list | dict):
        yield SourceAnnotation(
            label=_named(label, names.get("label")), kind="classification", **common
        )
    captions = record.get("captions")
    if captions is None:
        captions = [record[name] for name in _CAPTION if isinstance(record.get(name), str)][:1]
    for caption in captions:
        yield SourceAnnotation(label=None, kind="caption", text=text(caption), **common)
    if isinstance(numbers := record.get("numbers"), dict):
        for name, value in zip(numbers["name"], numbers["value"], strict=True):
            yield SourceAnnotation(label=text(name), kind="number", value=float(value), **common)


def _objects(record: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str]:
    """Return the objects one by one, and what their fields' names begin with."""
    objects = next((record[name] for name in ("objects", "annotations") if record.get(name)), None)
    prefix = "objects."
    if objects is None:
        if not any(_is_boxes(record.get(name)) for name in _BOX):
            return [], prefix
        objects, prefix = record, ""
    if isinstance(objects, list):
        return objects, prefix
    boxes = objects[_first(_BOX, objects)]
    lists = {
        name: values
        for name, values in objects.items()
        if isinstance(values, list) and (prefix or name in (*_BOX, *_CLASS))
    }
    wrong = [name for name, values in lists.items() if len(values) != len(boxes)]
    if wrong:
        raise ValueError(f"there are {len(lists[wrong[0]])} {wrong[0]} to {len(boxes)} boxes")
    return [{name: lists[name][at] for name in lists} for at in range(len(boxes))], prefix


def _first(names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return the first name that there is a value of.

    Raises:
        ValueError: there is none.
    """
    for name in names:
        if name in values:
            return name
    raise ValueError(f"it has no {names[0]}")


def _is_boxes(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _object(
    one: Mapping[str, Any],
    about: Mapping[str, Any],
    names: Mapping[str, Sequence[str]],
    prefix: str,
) -> SourceAnnotation:
    left, top, width, height = map(float, one[_first(_BOX, one)])
    field = _first(_CLASS, one)
    label = one[field]
    score = one.get("confidence", one.get("score"))
    rings = tuple(tuple(map(float, ring)) for ring in one.get("segmentation") or ())
    mask = one.get("mask")
    points = tuple(map(float, one.get("keypoints") or ()))
    attributes = one.get("attributes")
    if isinstance(attributes, str):
        attributes = json.loads(attributes)
    kind = one.get("kind") or _kind(rings, mask, points)
    if kind not in KINDS or kind in PLACELESS:
        raise ValueError(f"its kind is {kind!r:.40}")
    return SourceAnnotation(
        label=None if label is None else _named(label, names.get(f"{prefix}{field}")),
        left=left,
        top=top,
        width=width,
        height=height,
        kind=kind,
        polygon=rings,
        mask=None if mask is None else tuple(read_counts(mask)),
        keypoints=points,
        confidence=None if score is None else float(score),
        crowd=bool(one.get("crowd", one.get("iscrowd"))),
        attributes=attributes if isinstance(attributes, dict) else None,
        **about,
    )


def _kind(rings: object, mask: object, points: object) -> str:
    if points:
        return "keypoints"
    return "mask" if mask is not None else "polygon" if rings else "box"


def _named(value: Any, names: Sequence[str] | None) -> str:
    """Return the class that a name or a number means."""
    if isinstance(value, bool) or not isinstance(value, int):
        return text(value)
    if names is None:
        return str(value)
    if not 0 <= value < len(names):
        raise ValueError(f"there is no class {value}")
    return text(names[value])


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return " ".join(str(error).split())[:200]

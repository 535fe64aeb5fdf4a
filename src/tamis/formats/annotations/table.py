"""Annotations as a table, CSV or Parquet: a row each."""

from __future__ import annotations

import csv
import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from tamis.algo.run_lengths import read_counts
from tamis.dataset.annotation_layers import KINDS
from tamis.errors import InputError
from tamis.formats.annotations.source_annotation import (
    PLACELESS,
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["read_table"]

_NAMES: Final = {
    "picture": (
        "file",
        "path",
        "picture",
        "image",
        "filename",
        "file_name",
        "image_path",
        "img_filename",
        "image_name",
        "file_path_abs",
    ),
    "label": ("label", "class", "category", "class_name", "name", "label_name"),
    "left": ("x", "left", "xmin", "x_min", "x1", "col_x", "bbox_x"),
    "top": ("y", "top", "ymin", "y_min", "y1", "row_y", "bbox_y"),
    "width": ("width", "w", "box_width", "bbox_width"),
    "height": ("height", "h", "box_height", "bbox_height"),
    "right": ("xmax", "x_max", "x2", "right"),
    "bottom": ("ymax", "y_max", "y2", "bottom"),
    "confidence": ("confidence", "score", "probability"),
    "kind": ("kind",),
    "polygon": ("polygon",),
    "mask": ("mask",),
    "keypoints": ("keypoints",),
    "text": ("text", "caption"),
    "value": ("value",),
    "crowd": ("crowd", "iscrowd"),
    "attributes": ("attributes",),
    "source": ("source",),
    "set": ("annotation_source",),
}
"""What columns may be called; the first that a table has counts. Among them are the names that
fastdup, LightlyStudio, TensorFlow's examples and labelWise use."""

_CORNERS: Final = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
"""Of rotated boxes, as fastdup has them."""


def read_table(file: Path, only: str | None = None) -> Iterator[Said]:
    """Read a table with a column of pictures' paths and one of classes, boxes, captions or numbers.

    Boxes are `x`, `y`, `width`, `height` or two corners (`xmin`, `ymin`, `xmax`, `ymax`) in pixels;
    beside corners, `width` and `height` are the picture's. A row without a box is the class of its
    picture. Polygons, keypoints and attributes are JSON. Four corners (`x1`, `y1`, … `y4`) are a
    rotated box.

    Args:
        file: the table.
        only: of a table with the column `annotation_source`, as LightlyStudio writes it, the one
            whose rows are read; all if None.

    Raises:
        InputError: it cannot be read, or has no column of pictures, or none of classes, captions
            or numbers, or no row of `only`.
    """
    try:
        yield from _read(file, _parquet if file.suffix.lower() == ".parquet" else _csv, only)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{file} cannot be read as a table: {error}") from error


def _read(
    file: Path, read: Callable[[Path], Iterator[dict[str, Any]]], only: str | None
) -> Iterator[Said]:
    rows = read(file)
    first = next(rows, None)
    if first is None:
        return
    known, columns = _columns(file, first)
    corners = [known.get(name) for name in _CORNERS]
    sets: set[str] = set()
    for number, row in enumerate(chain([first], rows), start=1):
        if (source := columns["set"]) is not None:
            sets.add(str(row.get(source)))
            if only is not None and row.get(source) != only:
                continue
        try:
            if None not in corners:
                yield _rotated(file, _Row(row, columns), [row.get(name or "") for name in corners])
                continue
            yield _entry(file, _Row(row, columns))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            reason = f"row {number} cannot be used: {error}"
            yield Failure(str(file), reason, str(file))
    yield from _of_sets(file, sets, only)


def _of_sets(file: Path, sets: set[str], only: str | None) -> Iterator[str]:
    """Say that several sources came together."""
    if only is not None and only not in sets:
        there = f"there are {', '.join(sorted(sets))}" if sets else "it has no such column"
        raise InputError(f"{file} has no annotation_source {only!r}; {there}")
    if only is None and len(sets) > 1:
        yield (
            f"annotations of {len(sets)} sources ({', '.join(sorted(sets))}) came together: import "
            "each by its name as the field, into a layer of its own"
        )


def _csv(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    with file.open("rb") as stream:  # of a path with a colon Arrow would make a web address
        for batch in parquet.ParquetFile(stream).iter_batches():
            yield from batch.to_pylist()


class _Row:
    """One row by what its columns mean; an empty field is absent."""

    def __init__(self, values: Mapping[str, Any], columns: dict[str, str | None]) -> None:
        self._values = values
        self._columns = columns

    def get(self, meaning: str) -> Any:
        column = self._columns[meaning]
        value = None if column is None else self._values.get(column)
        return None if value in ("", None) else value

    def without(self, *meanings: str) -> _Row:
        return _Row(self._values, self._columns | dict.fromkeys(meanings))

    def number(self, meaning: str) -> float | None:
        value = self.get(meaning)
        return None if value is None else float(value)

    def structure(self, meaning: str) -> Any:
        value = self.get(meaning)
        return json.loads(value) if isinstance(value, str) else value


def _entry(file: Path, row: _Row) -> SourceAnnotation:
    picture = text(row.get("picture"))
    label = row.get("label")
    left, top = row.number("left"), row.number("top")
    width, height = row.number("width"), row.number("height")
    right, bottom = row.number("right"), row.number("bottom")
    size = None
    if None not in (left, top, right, bottom):
        size = declared_size(width, height)
        width, height = (right or 0) - (left or 0), (bottom or 0) - (top or 0)
    has_box = None not in (left, top, width, height)
    kind = row.get("kind") or _kind(row, has_box=has_box)
    if kind not in KINDS:
        raise ValueError(f"its kind is {kind!r}, not one of {', '.join(KINDS)}")
    if kind not in PLACELESS and not has_box:
        raise ValueError(f"it is a {kind} without x, y, width and height")
    if label is None and kind not in ("caption", "number"):
        raise ValueError("it has no class")
    common: dict[str, Any] = {
        "picture": picture,
        "label": None if label is None else text(str(label)),
        "kind": kind,
        "places": (place(file.parent, picture),),
        "text": row.get("text"),
        "value": row.number("value"),
        "confidence": row.number("confidence"),
        "attributes": row.structure("attributes"),
        "source": row.structure("source"),
    }
    if kind in PLACELESS:
        return SourceAnnotation(**common)
    return SourceAnnotation(
        **common,
        size=size,
        left=left or 0,
        top=top or 0,
        width=width or 0,
        height=height or 0,
        polygon=_rings(row.structure("polygon")),
        mask=None if (mask := row.get("mask")) is None else tuple(read_counts(mask)),
        keypoints=tuple(map(float, row.structure("keypoints") or ())),
        crowd=str(row.get("crowd")).lower() in ("1", "true"),
    )


def _columns(file: Path, first: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str | None]]:
    """Return the columns by their names in small letters, and by what they mean."""
    known = {name.strip().lower(): name for name in first if name}
    columns = {
        meaning: next((known[name] for name in names if name in known), None)
        for meaning, names in _NAMES.items()
    }
    if columns["picture"] is None:
        raise InputError(
            f"{file} has no column of pictures; call it one of {', '.join(_NAMES['picture'])}"
        )
    if all(columns[meaning] is None for meaning in ("label", "text", "value")):
        raise InputError(
            f"{file} has no column of classes; call it one of {', '.join(_NAMES['label'])}"
        )
    return known, columns


def _rotated(file: Path, row: _Row, corners: Sequence[Any]) -> SourceAnnotation:
    """Return the rotated box of four corners; where there are none, what else the row says."""
    if all(value in ("", None) for value in corners):
        return _entry(file, row.without("left", "top", "right", "bottom"))
    ring = tuple(map(float, corners))
    x, y = ring[::2], ring[1::2]
    label, picture = row.get("label"), text(row.get("picture"))
    if label is None:
        raise ValueError("it has no class")
    return SourceAnnotation(
        picture,
        text(str(label)),
        left=min(x),
        top=min(y),
        width=max(x) - min(x),
        height=max(y) - min(y),
        kind="rotated_box",
        polygon=(ring,),
        places=(place(file.parent, picture),),
        confidence=row.number("confidence"),
    )


def _kind(row: _Row, *, has_box: bool) -> str:
    if has_box:
        return "polygon" if row.get("polygon") else "box"
    if row.get("text") is not None:
        return "caption"
    return "number" if row.get("value") is not None else "classification"


def _rings(value: Iterable[Iterable[float]] | None) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, ring)) for ring in value or ())

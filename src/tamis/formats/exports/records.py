"""What is said of a picture as one record, for formats whose rows are records of any shape.

A record has the picture's `width` and `height`; its class as `label`; `objects` as lists, one entry
an object; captions as `captions`, numbers as `numbers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["Records"]

_NUMBERS: Final = pa.list_(pa.float64())
_OBJECTS: Final[Mapping[str, tuple[str, pa.DataType]]] = {
    "kind": ("kind", pa.string()),
    "segmentation": ("polygon", pa.list_(_NUMBERS)),
    "mask": ("mask", pa.string()),
    "keypoints": ("keypoints", _NUMBERS),
    "confidence": ("confidence", pa.float64()),
    "crowd": ("crowd", pa.bool_()),
    "attributes": ("attributes", pa.string()),
}
"""The lists of `objects` beside boxes and classes: the column of annotations, and the type."""

_PLACELESS: Final = frozenset({"classification", "caption", "number"})


class Records:
    """Makes records of one shape for all pictures of an export.

    Args:
        exported: the export; what none of its annotations has is in no record.
    """

    def __init__(self, exported: Exported) -> None:
        self._kinds = exported.kinds
        self._things = exported.kinds - _PLACELESS
        self._lists = {
            name: column
            for name, (column, _) in _OBJECTS.items()
            if column in exported.columns and not (name == "kind" and self._things == {"box"})
        }
        self._one_class = exported.one_class
        self._losses = exported.losses

    def of(self, picture: AnnotatedPicture) -> dict[str, Any]:
        """Return the record of a picture."""
        record: dict[str, Any] = {"width": picture.width, "height": picture.height}
        rows = picture.rows
        if "classification" in self._kinds:
            classes = [row for row in rows if row["kind"] == "classification"]
            record["label"] = picture.label
            if not self._one_class:
                record["labels"] = {
                    "name": [row["label"] for row in classes],
                    "confidence": [row.get("confidence") for row in classes],
                }
            self._count_attributes(classes)
        if "caption" in self._kinds:
            captions = [row for row in rows if row["kind"] == "caption"]
            record["captions"] = [row["text"] for row in captions]
            self._count_attributes(captions)
        if "number" in self._kinds:
            numbers = [row for row in rows if row["kind"] == "number"]
            record["numbers"] = {
                "name": [row["label"] for row in numbers],
                "value": [row["value"] for row in numbers],
            }
            self._count_attributes(numbers)
        if self._things:
            things = [row for row in rows if row["kind"] not in _PLACELESS]
            record["objects"] = {
                "bbox": [[row[side] for side in ("x", "y", "width", "height")] for row in things],
                "category": [row.get("label") for row in things],
                **{
                    name: [row.get(column) for row in things]
                    for name, column in self._lists.items()
                },
            }
        return record

    def _count_attributes(self, rows: list[Mapping[str, Any]]) -> None:
        for row in rows:
            if row.get("attributes"):
                self._losses.count(row["kind"], "written without attributes")

    @property
    def schema(self) -> pa.Schema:
        """The types of records, in which `label`, `labels` and `category` are texts."""
        fields = {"width": pa.int64(), "height": pa.int64()}
        named = pa.list_(pa.string())
        if "classification" in self._kinds:
            fields["label"] = pa.string()
            if not self._one_class:
                fields["labels"] = pa.struct({"name": named, "confidence": _NUMBERS})
        if "caption" in self._kinds:
            fields["captions"] = named
        if "number" in self._kinds:
            fields["numbers"] = pa.struct({"name": named, "value": _NUMBERS})
        if self._things:
            lists = {"bbox": pa.list_(_NUMBERS), "category": pa.list_(pa.string())}
            lists |= {name: pa.list_(_OBJECTS[name][1]) for name in self._lists}
            fields["objects"] = pa.struct(lists)
        return pa.schema(list(fields.items()))

"""Crops that follow their objects: what becomes of them where annotations change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.columns import MARK_TYPES, Column, known, one_of
from tamis.dataset.conditions import all_of
from tamis.dataset.parts import part_id
from tamis.dataset.samples import Kind
from tamis.errors import PictureError
from tamis.images.box import Box
from tamis.runtime.part_rows import COLUMNS_OF_PICTURES, part_row, upright_picture
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.samples import Samples

__all__ = ["PLACED", "FollowedCrops", "follow_objects", "objects_to_follow"]

PLACED: Final = ("annotation_id", "sample_id", "label", "x", "y", "width", "height")
"""The columns of annotations by which crops follow them."""

_MOST_NAMED: Final = 5000
_KEPT_MARKS: Final = ("tags", "split")

_Crop: TypeAlias = tuple[str, Box, str | None]
"""A crop's picture, place and class, which are what it is named by."""


@dataclass
class FollowedCrops:
    """What became of the crops of objects that changed.

    Attributes:
        removed: crops that are gone.
        cut: crops that were cut in their place, and have to be embedded.
        renamed: crops of the same pixels and vectors under another class.
        merged: crops that are gone because the dataset has one of the object's new place and class.
        failed: pictures that no crop can be cut from, with the reasons.
    """

    removed: int = 0
    cut: int = 0
    renamed: int = 0
    merged: int = 0
    failed: list[Failure] = field(default_factory=list)


def follow_objects(
    samples: Samples, operation: Operation, before: pa.Table, after: pa.Table
) -> FollowedCrops:
    """Stage what becomes of the crops of annotations that change.

    A crop whose object is gone goes too, unless another annotation has the same place and class. A
    crop whose object was moved or renamed is replaced; its tags and split stay. Decodes the
    pictures of moved objects that have a crop, and no others.

    Args:
        samples: the dataset's, before the change.
        operation: what makes the change.
        before: annotations that go.
        after: annotations that come; one with the id of one that goes is the same object.
    """
    found = FollowedCrops()
    before = before.filter(pc.is_valid(before.column("x"))).select(PLACED)
    if not before.num_rows or not _has_crops(samples):
        return found
    pictures = _pictures(samples, before.column("sample_id"))
    crops = _Crops(samples, pictures)
    old = {row["annotation_id"]: crops.of(row) for row in before.to_pylist()}
    new = {
        row["annotation_id"]: crops.of(row)
        for row in after.select(PLACED).to_pylist()
        if row["x"] is not None and row["sample_id"] in pictures
    }
    there = crops.present(old.values())
    claimed = set(new.values()) | crops.claimed(without=old.keys())
    gone = {name: crop for name, crop in there.items() if crop not in claimed}
    wanted: dict[str, tuple[_Crop, str]] = {}
    for annotation, crop in old.items():
        successor = new.get(annotation)
        if successor is not None and crop is not None and _name(crop) in there:
            wanted.setdefault(_name(successor), (successor, _name(crop)))
    known_ones = crops.present(crop for crop, _ in wanted.values())
    rows = {name: pair for name, pair in wanted.items() if name not in known_ones}
    sources = {
        _name(crop): _name(successor)
        for annotation, crop in old.items()
        if crop is not None and (successor := new.get(annotation)) is not None
    }
    found.merged = sum(sources.get(name) in known_ones and sources[name] != name for name in gone)
    _stage_new(operation, rows, crops, found)
    if gone:
        operation.remove_samples(list(gone))
        _forget(samples, operation, list(gone))
        found.removed += len(gone)
    return found


def objects_to_follow(samples: Samples, condition: str | None) -> pa.Table:
    """Return the annotations that meet a condition, as `follow_objects` takes them.

    Reads nothing where the dataset has no crop that could follow.
    """
    if not _has_crops(samples):
        return pa.schema([ANNOTATIONS.field(name) for name in PLACED]).empty_table()
    return samples.store.annotations(PLACED, condition)


def _has_crops(samples: Samples) -> bool:
    return samples.of(kind=Kind.CROPS).count() > 0


def _stage_new(
    operation: Operation,
    wanted: Mapping[str, tuple[_Crop, str]],
    crops: _Crops,
    found: FollowedCrops,
) -> None:
    """Stage crops in the place of others, of each of which the sample id is told."""
    samples = crops.samples
    cut: dict[str, list[tuple[_Crop, str]]] = {}
    for name, (crop, source) in wanted.items():
        if crops.place_of(source) == crop[:2]:  # the same pixels
            row = samples.rows(sorted(samples.columns), [source])
            row = _with(row, Column.SAMPLE_ID, name)
            operation.insert(_with(row, Column.LABEL, crop[2]))
            found.renamed += 1
        else:
            cut.setdefault(crop[0], []).append((crop, source))
    for picture, each in cut.items():
        row = crops.pictures[picture]
        try:
            image = upright_picture(row)
        except PictureError as error:
            found.failed.append(Failure(row["path"], error.reason, row["source"]))
            continue
        fresh = [part_row(image, row, "crop", box, label) for (_, box, label), _ in each]
        marks = samples.rows(_KEPT_MARKS, [source for _, source in each]).to_pylist()
        merged = [{**made, **kept} for made, kept in zip(fresh, marks, strict=True)]
        operation.insert(pa.Table.from_pylist(merged, schema=_schema(samples, merged[0])))
        found.cut += len(fresh)


def _forget(samples: Samples, operation: Operation, gone: Sequence[str]) -> None:
    """Let no sample stay a duplicate of one that is gone."""
    if not samples.has(Column.DUPLICATE_OF):
        return
    left = samples.of(kind=Kind.ALL).one_of(Column.DUPLICATE_OF, gone).ids
    left = [name for name in left if name not in set(gone)]
    if left:
        marks = (Column.DUPLICATE_OF, Column.DUPLICATE_SCORE, Column.DUPLICATE_KIND)
        there = [mark for mark in marks if samples.has(mark)]
        nothing = {str(mark): pa.nulls(len(left), MARK_TYPES[mark]) for mark in there}
        operation.set_marks(left, nothing)


def _with(row: pa.Table, column: str, value: str | None) -> pa.Table:
    at = row.column_names.index(column)
    return row.set_column(at, row.schema.field(at), pa.array([value], pa.string()))


def _schema(samples: Samples, row: Mapping[str, Any]) -> pa.Schema:
    whole = samples.store.read(list(row), ids=[]).schema
    return pa.schema([whole.field(name) for name in row])


def _pictures(samples: Samples, ids: pa.ChunkedArray) -> dict[str, dict[str, Any]]:
    columns = [*COLUMNS_OF_PICTURES, "width", "height"]
    return {row["sample_id"]: row for row in samples.rows(columns, ids.unique()).to_pylist()}


def _name(crop: _Crop) -> str:
    picture, box, label = crop
    return part_id(picture, "crop", box, label)


class _Crops:
    """The crops that objects of some pictures have, or would have."""

    def __init__(self, samples: Samples, pictures: Mapping[str, dict[str, Any]]) -> None:
        self.pictures = pictures
        self.samples = samples
        self._places: dict[str, tuple[str, Box]] = {}

    def of(self, row: Mapping[str, Any]) -> _Crop | None:
        """Return the crop of an annotation; None where it lies outside of the picture."""
        picture = self.pictures[row["sample_id"]]
        x, y, width, height = (row[name] for name in ("x", "y", "width", "height"))
        box = Box.between(x, y, x + width, y + height)
        clipped = box.clipped(picture["width"], picture["height"])
        return None if clipped is None else (row["sample_id"], clipped, row["label"])

    def present(self, crops: Any) -> dict[str, _Crop]:
        """Return those of some crops that the dataset has, by their sample ids."""
        named = {_name(crop): crop for crop in crops if crop is not None}
        asked = list(named)
        found: dict[str, _Crop] = {}
        for start in range(0, len(asked), _MOST_NAMED):
            part = asked[start : start + _MOST_NAMED]
            for name in self.samples.of(kind=Kind.CROPS).one_of(Column.SAMPLE_ID, part).ids:
                found[name] = named[name]
                self._places[name] = named[name][:2]
        return found

    def place_of(self, name: str) -> tuple[str, Box]:
        """Return the picture and place of a crop that is present."""
        return self._places[name]

    def claimed(self, without: Any) -> set[_Crop | None]:
        """Return the crops of all other annotations of these pictures."""
        names = list(self.pictures)
        some = one_of("sample_id", names) if len(names) <= _MOST_NAMED else None
        rows = self.samples.store.annotations(PLACED, all_of(known("x"), some))
        left = set(without)
        return {
            self.of(row)
            for row in rows.to_pylist()
            if row["sample_id"] in self.pictures and row["annotation_id"] not in left
        }

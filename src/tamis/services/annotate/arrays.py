"""Annotations from arrays, such as what a detector or classifier returns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from tamis.algo.run_lengths import box_of_counts, counts_of
from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.dataset.columns import Column, equal
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.source_annotation import SourceAnnotation
from tamis.outside_text import is_storable
from tamis.runtime.object_crops import follow_objects, objects_to_follow
from tamis.types import Failure
from tamis.verbs.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.runtime.workspace import Workspace

__all__ = ["AnnotationsAdded", "BoxFormat", "add_arrays"]

BoxFormat: TypeAlias = Literal["xywh", "xyxy", "cxcywh"]

_ID: Final = re.compile(r"[0-9a-f]{32}")
_SIDES: Final = 4
_SHAPES: Final = ("boxes", "masks", "polygons", "keypoints")


@dataclass(frozen=True, kw_only=True, repr=False)
class AnnotationsAdded(Result):
    """What became of annotations from arrays.

    Attributes:
        layer: the layer.
        added: new annotations.
        known: annotations that the layer had.
        removed: annotations that were removed first.
        pictures: pictures that have any.
        failed: rows that could not be used, each with its reason.
    """

    layer: str
    added: int
    known: int
    removed: int
    pictures: int
    failed: Sequence[Failure] = ()


def add_arrays(
    workspace: Workspace,
    pictures: Sequence[str],
    labels: Any,
    *,
    layer: str,
    box_format: BoxFormat = "xywh",
    scores: Any = None,
    replaced: bool = False,
    author: str | None = None,
    **shapes: Any,
) -> AnnotationsAdded:
    """Add annotations to a layer as one operation.

    Args:
        workspace: the dataset.
        pictures: sample ids or paths.
        labels: classes, one of each row or a list of each picture.
        layer: the layer.
        box_format: what the four numbers of a box are.
        scores: confidences, as `labels`.
        replaced: whether the layer is emptied first.
        author: who made them.
        shapes: `boxes`, `masks`, `polygons`, `keypoints`, as `labels`; None if there are none.

    Raises:
        UsageError: lengths differ, a picture is unknown, values are no annotations, or none of
            those that would replace a layer can be used.
    """
    check_layer(layer)
    given = {name: shapes[name] for name in _SHAPES if shapes.get(name) is not None}
    columns = {"label": labels, "score": scores, **given}
    if layer == TRUTH and scores is not None:
        raise UsageError("predictions have a layer of their own: give another layer than 'truth'")
    found = _Pictures(workspace)
    rows = AnnotationRows(layer, author)
    failed = []
    seen: set[str] = set()
    for name, values in _rows(pictures, columns):
        sample = found.meant(name)
        try:
            entry = _entry(name, values, box_format, (sample["width"], sample["height"]))
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"{name} is given what is no annotation: {error}") from error
        placed = entry.placed(sample["width"], sample["height"], 1)
        if isinstance(placed, str):
            failed.append(Failure(name, placed, layer))
            continue
        rows.add(sample["sample_id"], entry, placed)
        seen.add(sample["sample_id"])
    if failed and replaced and not len(rows):
        raise UsageError(
            f"none of the {len(failed)} annotations can be used, so nothing was replaced; the "
            f"first, of {failed[0].path}: {failed[0].reason}"
        )
    known_count = removed = added = 0
    if replaced:
        removed = len(workspace.store.annotations(["layer"], equal("layer", layer)))
    if len(rows) or replaced:
        with workspace.store.operation("label add", {"layer": layer}) as operation:
            _stage(workspace, operation, layer, rows.table(), replaced=replaced)
        counts = operation.counts
        added = counts.get("annotations", 0)
        known_count = counts.get("annotations_known", 0)
    return AnnotationsAdded(
        layer=layer,
        added=added,
        known=known_count,
        removed=removed,
        pictures=len(seen),
        failed=failed,
    )


def _stage(
    workspace: Workspace, operation: Operation, layer: str, table: pa.Table, *, replaced: bool
) -> None:
    """Stage the rows, what they replace, and the labels that show the classes of the truth."""
    samples = workspace.samples
    shown: dict[str, str | None] = {}
    if replaced:
        before = objects_to_follow(samples, equal("layer", layer))
        operation.remove_annotations(layer)
        follow_objects(samples, operation, before, table)
        if layer == TRUTH:
            columns = ["sample_id", "kind", "label"]
            classes = workspace.store.annotations(columns, equal("layer", layer))
            shown |= dict.fromkeys(_labels(classes))
    operation.add_annotations(table)
    if layer == TRUTH:
        labels = _labels(table)
        labeled = samples.of(kind=Kind.WHOLE).having(Column.LABEL).ids if labels else []
        kept = set(labeled) - shown.keys()
        shown |= {name: label for name, label in labels.items() if name not in kept}
        if shown:
            values = pa.array(list(shown.values()), pa.string())
            operation.set_marks(list(shown), {Column.LABEL: values})


def _labels(table: pa.Table) -> dict[str, str]:
    """Return the first class of each picture that has one."""
    found: dict[str, str] = {}
    for name, kind, label in zip(
        *(table.column(name).to_pylist() for name in ("sample_id", "kind", "label")), strict=True
    ):
        if kind == "classification":
            found.setdefault(name, label)
    return found


class _Pictures:
    """Finds samples by their ids or paths."""

    def __init__(self, workspace: Workspace) -> None:
        columns = ("sample_id", "uri", "width", "height")
        rows = workspace.samples.of(kind=Kind.WHOLE).table(*columns).to_pylist()
        self._by_id: dict[str, Mapping[str, Any]] = {row["sample_id"]: row for row in rows}
        self._by_uri: dict[str, Mapping[str, Any]] = {row["uri"]: row for row in rows}
        self._finder: PictureFinder | None = None
        self._meant: dict[str, Mapping[str, Any]] = {}

    def meant(self, name: str) -> Mapping[str, Any]:
        """Return the sample that a name means.

        Raises:
            UsageError: none or several.
        """
        if name not in self._meant:
            self._meant[name] = self._find(name)
        return self._meant[name]

    def _find(self, name: str) -> Mapping[str, Any]:
        if _ID.fullmatch(name) and name in self._by_id:
            return self._by_id[name]
        self._finder = self._finder or PictureFinder(self._by_uri)
        uri = self._finder.find(name)
        if isinstance(uri, str):
            return self._by_uri[uri]
        which = f"{len(uri)} pictures end so; give more of the path" if uri else "no picture"
        raise UsageError(f"{name!r} is the path or sample id of {which} of the dataset")


def _rows(
    pictures: Sequence[str], columns: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each annotation, whether columns have a value or a list of values a picture."""
    names = [str(picture) for picture in pictures]
    given = {name: values for name, values in columns.items() if values is not None}
    labels = given["label"]
    if isinstance(labels, str):
        given["label"] = [labels] * len(names)
    for column, values in given.items():
        if len(values) != len(names):
            raise UsageError(f"{len(values)} {column} values are given for {len(names)} pictures")
    several = any(not isinstance(one, str) and hasattr(one, "__len__") for one in given["label"])
    for number, name in enumerate(names):
        own = {column: values[number] for column, values in given.items()}
        if not several:
            yield name, own
            continue
        counts = {column: len(values) for column, values in own.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{count} {column}" for column, count in counts.items())
            raise UsageError(f"{name} is given {told}; give as many of each")
        for at in range(counts["label"]):
            yield name, {column: values[at] for column, values in own.items()}


def _entry(
    name: str, values: Mapping[str, Any], box_format: BoxFormat, size: tuple[int, int]
) -> SourceAnnotation:
    label = values["label"]
    if not isinstance(label, str) or not label.strip() or not is_storable(label):
        raise UsageError(f"{name} is given the class {label!r}; classes are names")
    score = values.get("score")
    entry = SourceAnnotation(
        name, label, kind="classification", confidence=None if score is None else float(score)
    )
    if "boxes" in values:
        left, top, width, height = _place(name, values["boxes"], box_format)
        entry = replace(entry, kind="box", left=left, top=top, width=width, height=height)
    if "polygons" in values:
        rings = tuple(tuple(np.ravel(ring).tolist()) for ring in _rings(values["polygons"]))
        entry = _around(replace(entry, kind="polygon", polygon=rings), np.concatenate(rings), 2)
    if "masks" in values:
        entry = _masked(entry, np.asarray(values["masks"], bool), size)
    if "keypoints" in values:
        points = np.asarray(values["keypoints"], float)
        if points.ndim != 2 or points.shape[1] not in (2, 3):  # noqa: PLR2004 - with visibility
            raise UsageError(f"{name} is given keypoints of shape {points.shape}, not [K, 2 or 3]")
        if points.shape[1] == 2:  # noqa: PLR2004
            points = np.column_stack([points, np.full(len(points), 2)])
        seen = points[points[:, 2] > 0, :2]
        flat = tuple(points.ravel().tolist())
        entry = _around(replace(entry, kind="keypoints", keypoints=flat), seen.ravel(), 2)
    return entry


def _rings(outline: Any) -> list[Any]:
    """Return the rings of an outline, which may be one ring alone."""
    one = np.ndim(outline) == 1 if not isinstance(outline, np.ndarray) else outline.ndim <= 2  # noqa: PLR2004
    first = outline[0] if len(outline) else outline
    pair = not one and np.ndim(first) == 1 and len(first) == 2  # noqa: PLR2004 - [[x, y], ...]
    return [outline] if one or pair else list(outline)


def _around(entry: SourceAnnotation, numbers: Any, each: int) -> SourceAnnotation:
    """Return an annotation with the box around its points, unless it was given one."""
    if entry.width or not len(numbers):
        return entry
    points = np.reshape(numbers, (-1, each))
    low, high = points.min(axis=0), points.max(axis=0)
    wide, tall = (high - low).tolist()
    return replace(entry, left=float(low[0]), top=float(low[1]), width=wide, height=tall)


def _masked(entry: SourceAnnotation, mask: Any, size: tuple[int, int]) -> SourceAnnotation:
    if mask.shape != (size[1], size[0]):
        raise UsageError(
            f"{entry.picture} has {size[0]} x {size[1]} pixels, and its mask is "
            f"{mask.shape}: give one of [height, width]"
        )
    counts = counts_of(mask)
    box = box_of_counts(counts, size[1])
    if box is None:
        raise UsageError(f"{entry.picture} is given a mask of nothing; leave it out")
    left, top, width, height = map(float, box)
    return replace(
        entry, kind="mask", mask=tuple(counts), size=size, left=left, top=top, width=width,
        height=height,
    )  # fmt: skip


def _place(name: str, box: Any, box_format: BoxFormat) -> tuple[float, float, float, float]:
    numbers = [float(value) for value in box]
    if len(numbers) != _SIDES:
        raise UsageError(f"{name} is given a box of {len(numbers)} numbers; a box has four")
    a, b, c, d = numbers
    match box_format:
        case "xywh":
            return a, b, c, d
        case "xyxy":
            return a, b, c - a, d - b
        case "cxcywh":
            return a - c / 2, b - d / 2, c, d
    raise UsageError(f"{box_format!r} is no format of boxes; there are xywh, xyxy and cxcywh")

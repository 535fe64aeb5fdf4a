"""Annotations moved, renamed, replaced, removed; each one operation, undone as a whole."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import Column, equal, one_of
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind
from tamis.errors import ConflictError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.runtime.object_crops import PLACED, FollowedCrops, follow_objects
from tamis.services.edit.contract import BoxesReport, EditReport, RemoveReport, RenameReport
from tamis.services.edit.moved import by_hand, moved
from tamis.services.edit.shapes import drawn, reshaped
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.runtime.workspace import Workspace
    from tamis.services.edit.contract import (
        DrawAnnotation,
        EditAnnotation,
        RemoveAnnotations,
        RenameClass,
        SetBoxes,
    )
    from tamis.verbs.feedback import Feedback

__all__ = ["draw", "edit", "remove", "rename", "set_boxes"]

_NEEDED: Final = (*PLACED, "layer", "kind")
_CLASS: Final = ("annotation_id", "sample_id", "layer", "kind", "label")


def edit(workspace: Workspace, request: EditAnnotation, _feedback: Feedback = SILENT) -> EditReport:
    """Move an object, or give an annotation another class.

    Raises:
        UsageError: there is no such annotation, or it cannot be moved so.
        ConflictError: another writer was in the way.
    """
    before = _named(workspace, [request.annotation_id])
    row = before.to_pylist()[0]
    _require_unchanged(row, request.unchanged_since)
    picture = workspace.samples.rows(["path", "width", "height"], [row["sample_id"]]).to_pylist()[0]
    size = picture["width"], picture["height"]
    new = dict(row)
    if request.label is not None:
        if row["label"] is None:
            raise UsageError(f"{row['annotation_id']} is a {row['kind']}, which has no class")
        new["label"] = request.label
    if request.box is not None:
        new = moved(new, request.box, size)
    if request.outline or request.mask is not None:
        new = reshaped(new, request.outline, request.mask, size)
    changed = new != row
    crops = FollowedCrops()
    if changed:
        new |= {
            "time": datetime.now(UTC),
            "author": request.author or row["author"],
            "attributes": by_hand(row["attributes"]),
        }
        after = pa.Table.from_pylist([new], schema=ANNOTATIONS)
        as_read = f"{equal('annotation_id', request.annotation_id)} AND {_at(row['time'])}"
        with workspace.store.operation("label edit", request=request) as operation:
            crops = _replace(workspace, operation, as_read, before, after)
        if not operation.counts.keys() & {"annotations_removed", "annotations"}:
            raise _conflict(row)  # changed after it was read: that change stands
    return _edited(new, picture["path"], crops, changed=changed)


def draw(workspace: Workspace, request: DrawAnnotation, _feedback: Feedback = SILENT) -> EditReport:
    """Add an object to a picture; nothing that is there is touched.

    Raises:
        UsageError: the sample is unknown, or the object cannot lie so in it.
        ConflictError: another writer was in the way.
    """
    columns = ["path", "width", "height"]
    picture = workspace.samples.rows(columns, [request.sample]).to_pylist()[0]
    if not (picture["width"] and picture["height"]):
        raise UsageError(f"the dataset does not know how large {picture['path']} is")
    entry, placed = drawn(request, (picture["width"], picture["height"]))
    rows = AnnotationRows(request.layer, request.author)
    rows.add(request.sample, entry, placed)
    table = rows.table()
    with workspace.store.operation("label draw", request=request) as operation:
        operation.add_annotations(table)
        follow_objects(workspace.samples, operation, table.slice(0, 0), table)
    added = bool(operation.counts.get("annotations"))
    [row] = table.to_pylist()
    if not added:
        row = _named(workspace, [row["annotation_id"]]).to_pylist()[0]
    return _edited(row, picture["path"], FollowedCrops(), changed=added)


def _edited(
    row: Mapping[str, Any], path: str, crops: FollowedCrops, *, changed: bool
) -> EditReport:
    place = tuple(row[name] for name in ("x", "y", "width", "height"))
    return EditReport(
        annotation_id=row["annotation_id"],
        layer=row["layer"],
        path=path,
        label=row["label"],
        box=None if None in place else place,
        changed=changed,
        crops=crops.cut + crops.renamed + crops.merged,
        failed=crops.failed,
        time=row["time"].isoformat(),
    )


def _require_unchanged(row: Mapping[str, Any], since: str | None) -> None:
    if since is None:
        return
    try:
        time = datetime.fromisoformat(since)
    except ValueError:
        raise UsageError(f"{since!r} is no time; give an annotation's `time`") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    if time != row["time"]:
        raise _conflict(row)


def _conflict(row: Mapping[str, Any]) -> ConflictError:
    who = f" by {row['author']}" if row["author"] else ""
    return ConflictError(
        f"{row['annotation_id']} was changed meanwhile{who}; look at it as it is now, then change "
        "it again"
    )


def _at(time: datetime) -> str:
    return f"time = TIMESTAMP '{time.astimezone(UTC).isoformat(sep=' ')}'"


def remove(
    workspace: Workspace, request: RemoveAnnotations, _feedback: Feedback = SILENT
) -> RemoveReport:
    """Remove annotations, and the crops of their objects.

    Raises:
        UsageError: there is no such annotation, or the condition is none.
        ConflictError: another writer was in the way.
    """
    ids = list(dict.fromkeys(request.annotation_ids))
    if ids:
        _named(workspace, ids)  # says which is unknown
    condition = all_of(
        None if request.layer is None else equal("layer", request.layer),
        one_of("annotation_id", ids) if ids else None,
        request.where,
    )
    before = workspace.store.annotations(_NEEDED, condition)
    crops = FollowedCrops()
    if before.num_rows and condition is not None:
        with workspace.store.operation("label remove", request=request) as operation:
            crops = _replace(workspace, operation, condition, before, before.slice(0, 0))
    return RemoveReport(
        removed=before.num_rows,
        pictures=pc.count_distinct(before.column("sample_id")).as_py(),
        crops=crops.removed,
    )


def rename(
    workspace: Workspace, request: RenameClass, _feedback: Feedback = SILENT
) -> RenameReport:
    """Give a class another name.

    Raises:
        UsageError: the layer has no such class.
        ConflictError: another writer was in the way.
    """
    of_class = f"{equal('layer', request.layer)} AND {equal('label', request.old)}"
    before = workspace.store.annotations(where=of_class)
    alone = workspace.samples.of(kind=Kind.WHOLE).equal(Column.LABEL, request.old).ids
    labels = alone if request.layer == TRUTH else []
    if not before.num_rows and not labels:
        raise UsageError(
            f"the layer {request.layer!r} has no class {request.old!r}; tamis label layers shows "
            "what there is"
        )
    count = before.num_rows
    values = {"label": pa.array([request.new] * count, pa.string())}
    values["time"] = pa.array([datetime.now(UTC)] * count, ANNOTATIONS.field("time").type)
    if request.author is not None:
        values["author"] = pa.array([request.author] * count, pa.string())
    after = before
    for name, array in values.items():
        at = ANNOTATIONS.names.index(name)
        after = after.set_column(at, ANNOTATIONS.field(name), array)
    with workspace.store.operation("label rename", request=request) as operation:
        crops = _replace(workspace, operation, of_class, before, after)
        if labels:
            operation.set_marks(labels, {Column.LABEL: [request.new] * len(labels)})
    return RenameReport(annotations=count, labels=len(labels), crops=crops.renamed + crops.merged)


def set_boxes(workspace: Workspace, request: SetBoxes, _feedback: Feedback = SILENT) -> BoxesReport:
    """Say which boxes a picture has in a layer, or add some; crops of those that are gone go too.

    Raises:
        UsageError: the sample is unknown, or a box lies outside of the picture.
    """
    store = workspace.store
    row = workspace.samples.rows([Column.WIDTH, Column.HEIGHT], [request.sample]).to_pylist()[0]
    if row["width"] and row["height"]:
        for x, y, width, height in request.box:
            if x >= row["width"] or y >= row["height"] or x + width <= 0 or y + height <= 0:
                raise UsageError(
                    f"the box {x:g},{y:g},{width:g},{height:g} lies outside of the picture, which "
                    f"has {row['width']} x {row['height']} pixels"
                )
    condition = " AND ".join(
        [equal("sample_id", request.sample), equal("layer", request.layer), equal("kind", "box")]
    )
    stored = store.annotations(where=condition)
    if request.add:
        return _add_boxes(workspace, request, stored.num_rows)
    wanted = Counter(zip(request.label, request.box, strict=True))
    kept = []  # as they are, with all that was said of them beyond a place
    for at, one in enumerate(stored.to_pylist()):
        box = one["label"], (one["x"], one["y"], one["width"], one["height"])
        if wanted[box] > 0:
            wanted[box] -= 1
            kept.append(at)
    removed, added = stored.num_rows - len(kept), wanted.total()
    if removed or added:
        after = stored.take(pa.array(kept, pa.int64()))
        if added:
            after = pa.concat_tables([after, _box_rows(request, wanted.elements())])
        with store.operation("label boxes", request=request) as operation:
            _replace(workspace, operation, condition, stored, after)
    return BoxesReport(
        sample=request.sample,
        layer=request.layer,
        boxes=len(request.box),
        removed=removed,
        added=added,
    )


def _add_boxes(workspace: Workspace, request: SetBoxes, before: int) -> BoxesReport:
    """Add boxes without touching a row, so that none that another writer adds can be lost."""
    rows = _box_rows(request, zip(request.label, request.box, strict=True))
    with workspace.store.operation("label boxes", request=request) as operation:
        operation.add_annotations(rows)
        follow_objects(workspace.samples, operation, rows.slice(0, 0), rows)
    added = operation.counts.get("annotations", 0)
    return BoxesReport(
        sample=request.sample,
        layer=request.layer,
        boxes=before + added,
        removed=0,
        added=added,
    )


def _box_rows(
    request: SetBoxes, boxes: Iterable[tuple[str, tuple[float, float, float, float]]]
) -> pa.Table:
    rows = AnnotationRows(request.layer, request.author)
    for label, (left, top, width, height) in boxes:
        entry = SourceAnnotation(request.sample, label, left, top, width, height)
        rows.add(request.sample, entry, Placed((left, top, width, height)))
    return rows.table()


def _named(workspace: Workspace, ids: Sequence[str]) -> pa.Table:
    found = workspace.store.annotations(where=one_of("annotation_id", ids))
    known = set(found.column("annotation_id").to_pylist())
    if missing := [name for name in ids if name not in known]:
        raise UsageError(
            f"there is no annotation {missing[0]!r}; ds.annotations() and  tamis evaluate  show "
            "their ids"
        )
    return found


def _replace(
    workspace: Workspace, operation: Operation, condition: str, before: pa.Table, after: pa.Table
) -> FollowedCrops:
    """Stage other annotations in the place of those that meet a condition.

    Crops and labels follow.
    """
    operation.remove_annotations_meeting(condition)
    if after.num_rows:
        operation.add_annotations(after)
    labels = _labels(workspace, before, after)
    if labels:
        values = pa.array(list(labels.values()), pa.string())
        operation.set_marks(list(labels), {Column.LABEL: values})
    return follow_objects(workspace.samples, operation, before, after)


def _labels(workspace: Workspace, before: pa.Table, after: pa.Table) -> Mapping[str, str | None]:
    """Return what `label` becomes where the class that it shows is replaced or gone."""
    old = [
        row
        for row in before.select(_CLASS).to_pylist()
        if row["layer"] == TRUTH and row["kind"] == "classification"
    ]
    if not old:
        return {}
    names, labels = (after.column(name).to_pylist() for name in ("annotation_id", "label"))
    new = dict(zip(names, labels, strict=True))
    ids = list({row["sample_id"]: None for row in old})
    shown = dict(
        zip(ids, workspace.samples.rows([Column.LABEL], ids).column(0).to_pylist(), strict=True)
    )
    gone = {row["annotation_id"] for row in old}
    of_truth = all_of(equal("layer", TRUTH), equal("kind", "classification"))
    others: dict[str, str] = {}
    for row in workspace.store.annotations(_CLASS, of_truth).to_pylist():
        if row["annotation_id"] not in gone:
            others.setdefault(row["sample_id"], row["label"])
    found: dict[str, str | None] = {}
    for row in old:
        picture = row["sample_id"]
        if row["label"] == shown[picture]:
            found.setdefault(picture, new.get(row["annotation_id"]) or others.get(picture))
    return {name: label for name, label in found.items() if label != shown[name]}

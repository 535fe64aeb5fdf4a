"""Boxes of an object in the frames between key frames of a video."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.columns import Column, equal, known, one_of
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.runtime.object_crops import follow_objects
from tamis.services.edit.contract import InterpolateReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.runtime.workspace import Workspace
    from tamis.services.edit.contract import InterpolateBoxes
    from tamis.verbs.feedback import Feedback

__all__ = ["interpolate"]

_PLACE: Final = ("x", "y", "width", "height")


def interpolate(
    workspace: Workspace, request: InterpolateBoxes, _feedback: Feedback = SILENT
) -> InterpolateReport:
    """Put boxes into the frames between an object's key frames, evenly by the frame number.

    The boxes of one object share the attribute `track`. Those that were made here have
    `interpolated` too, until a person changes them and so makes their frame a key frame.

    Raises:
        UsageError: an annotation is unknown or no box, or they are not of one class, layer and
            video.
        ConflictError: another writer was in the way.
    """
    store = workspace.store
    given = store.annotations(where=one_of("annotation_id", request.annotation_ids)).to_pylist()
    _require_alike(request.annotation_ids, given)
    first = given[0]
    track = next((found for row in given if (found := _said(row).get("track"))), None)
    track = str(track or first["annotation_id"])
    frames = _frames(workspace, [row["sample_id"] for row in given])
    in_video = all_of(
        equal("layer", first["layer"]), equal("kind", "box"), equal("label", first["label"]),
        one_of("sample_id", list(frames)),
    )  # fmt: skip
    boxes = store.annotations(where=in_video)
    same = [row for row in boxes.to_pylist() if str(_said(row).get("track")) == track]
    keys = {row["annotation_id"]: row for row in given}
    keys |= {row["annotation_id"]: row for row in same if not _said(row).get("interpolated")}
    by_frame = {frames[row["sample_id"]]: row for row in keys.values()}
    if len(by_frame) < 2:  # noqa: PLR2004 - between two there is something
        raise UsageError("one key frame alone has nothing between; give a box of another frame too")
    ends = sorted(by_frame)
    old = [row for row in same if row["annotation_id"] not in keys]
    between = [
        name for name, frame in frames.items()
        if ends[0] < frame < ends[-1] and frame not in by_frame
    ]  # fmt: skip
    numbers = [frames[name] for name in between]
    places = np.stack(
        [np.interp(numbers, ends, [by_frame[frame][side] for frame in ends]) for side in _PLACE],
        axis=1,
    )
    rows = AnnotationRows(first["layer"], request.author)
    said = {"track": track, "interpolated": True}
    for name, (x, y, width, height) in zip(between, places.tolist(), strict=True):
        entry = SourceAnnotation(name, first["label"], attributes=said)
        rows.add(name, entry, Placed((x, y, width, height)))
    now = datetime.now(UTC)
    marked = [
        {**row, "attributes": json.dumps(_key(row, track), ensure_ascii=False), "time": now}
        for row in keys.values()
        if _said(row) != _key(row, track)
    ]
    gone = [*(row for row in keys.values() if _said(row) != _key(row, track)), *old]
    after = pa.concat_tables([pa.Table.from_pylist(marked, schema=ANNOTATIONS), rows.table()])
    with store.operation("label interpolate", request=request) as operation:
        if gone:
            # what another writer changes meanwhile is newer, and stays
            newest = max(row["time"] for row in gone).astimezone(UTC).isoformat(sep=" ")
            condition = one_of("annotation_id", [row["annotation_id"] for row in gone])
            operation.remove_annotations_meeting(f"{condition} AND time <= TIMESTAMP '{newest}'")
        operation.add_annotations(after)
        before = pa.Table.from_pylist(gone, schema=ANNOTATIONS)
        follow_objects(workspace.samples, operation, before, after)
    return InterpolateReport(track=track, keys=len(ends), added=len(between), removed=len(old))


def _require_alike(ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    there = {row["annotation_id"] for row in rows}
    if missing := [name for name in ids if name not in there]:
        raise UsageError(f"there is no annotation {missing[0]!r}; ds.annotations() shows the ids")
    for row in rows:
        if row["kind"] != "box":
            raise UsageError(f"{row['annotation_id']} is a {row['kind']}; give boxes")
    for column in ("label", "layer"):
        values = sorted({str(row[column]) for row in rows})
        if len(values) > 1:
            raise UsageError(
                f"the boxes have the {'classes' if column == 'label' else 'layers'} "
                f"{', '.join(values)}; one object has one"
            )


def _frames(workspace: Workspace, ids: Sequence[str]) -> dict[str, int]:
    """Return the frame number of every sample of the video that some samples are frames of."""
    samples = workspace.samples
    if not samples.has(Column.VIDEO):
        raise UsageError("the dataset has no frames of videos; `tamis add` takes videos")
    videos = set(samples.rows([Column.VIDEO], ids).column(0).to_pylist())
    if None in videos or len(videos) != 1:
        raise UsageError("the boxes are not of frames of one video")
    of_video = all_of(equal(Column.VIDEO, videos.pop()), known(Column.FRAME))
    table = samples.of(of_video, kind=Kind.WHOLE).table(Column.SAMPLE_ID, Column.FRAME)
    ids_, numbers = (table.column(name).to_pylist() for name in ("sample_id", "frame"))
    return dict(zip(ids_, numbers, strict=True))


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["attributes"]) if row["attributes"] else {}
    return found


def _key(row: Mapping[str, Any], track: str) -> dict[str, Any]:
    """Return what is said of a box in a key frame."""
    kept = {name: value for name, value in _said(row).items() if name != "interpolated"}
    return kept | {"track": track}

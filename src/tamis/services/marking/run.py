"""Tags on pictures and boxes of one picture; each change is one operation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from tamis.dataset.columns import Column, equal
from tamis.dataset.conditions import all_of
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.runtime.object_crops import follow_objects
from tamis.services.marking.contract import BoxesReport, TaggedReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.marking.contract import SetBoxes, TagPictures, UntagPictures
    from tamis.verbs.feedback import Feedback

__all__ = ["set_boxes", "tag_pictures", "untag_pictures"]


def tag_pictures(
    workspace: Workspace, request: TagPictures, _feedback: Feedback = SILENT
) -> TaggedReport:
    """Give pictures a tag.

    Raises:
        UsageError: a sample is unknown, or the condition is none.
    """
    had = _tags(workspace, request)
    changed = {
        name: [*tags, request.name] for name, tags in had.items() if request.name not in tags
    }
    return _write(workspace, request, len(had), changed)


def untag_pictures(
    workspace: Workspace, request: UntagPictures, _feedback: Feedback = SILENT
) -> TaggedReport:
    """Take a tag from pictures.

    Raises:
        UsageError: a sample is unknown, or the condition is none.
    """
    had = _tags(workspace, request)
    changed = {
        name: [tag for tag in tags if tag != request.name]
        for name, tags in had.items()
        if request.name in tags
    }
    return _write(workspace, request, len(had), changed)


def _write(
    workspace: Workspace,
    request: TagPictures | UntagPictures,
    pictures: int,
    changed: dict[str, list[str]],
) -> TaggedReport:
    if changed:
        with workspace.store.operation(request.verb, request=request) as operation:
            operation.set_marks(list(changed), {Column.TAGS: list(changed.values())})
            operation.counts |= {"pictures": len(changed)}
    return TaggedReport(tag=request.name, pictures=pictures, changed=len(changed))


def _tags(workspace: Workspace, request: TagPictures | UntagPictures) -> dict[str, list[str]]:
    """Return the tags of each picture that is meant."""
    samples = workspace.samples
    if request.ids is None:
        rows = samples.of(request.where).table(Column.SAMPLE_ID, Column.TAGS)
    else:
        ids = list(dict.fromkeys(request.ids))
        rows = samples.rows([Column.SAMPLE_ID, Column.TAGS], ids)
    names, tags = (column.to_pylist() for column in rows.columns)
    found = {name: of_it or [] for name, of_it in zip(names, tags, strict=True)}
    if request.ids is not None and request.where is not None:
        meant = set(samples.of(request.where).ids)
        found = {name: of_it for name, of_it in found.items() if name in meant}
    return found


def set_boxes(workspace: Workspace, request: SetBoxes, _feedback: Feedback = SILENT) -> BoxesReport:
    """Say which boxes a picture has in a layer; crops of those that are gone go too.

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
    condition = all_of(
        equal("sample_id", request.sample), equal("layer", request.layer), equal("kind", "box")
    )
    stored = store.annotations(where=condition)
    wanted = Counter(zip(request.label, request.box, strict=True))
    kept = []  # as they are, with all that was said of them beyond a place
    for at, one in enumerate(stored.to_pylist()):
        box = one["label"], (one["x"], one["y"], one["width"], one["height"])
        if wanted[box] > 0:
            wanted[box] -= 1
            kept.append(at)
    removed, added = stored.num_rows - len(kept), wanted.total()
    if removed or added:
        rows = AnnotationRows(request.layer, request.author)
        for label, (left, top, width, height) in wanted.elements():
            entry = SourceAnnotation(request.sample, label, left, top, width, height)
            rows.add(request.sample, entry, Placed((left, top, width, height)))
        after = stored.take(pa.array(kept, pa.int64()))
        if added:
            after = pa.concat_tables([after, rows.table()])
        with store.operation("label boxes", request=request) as operation:
            operation.remove_annotations(request.layer, [request.sample], "box")
            operation.add_annotations(after)
            follow_objects(workspace.samples, operation, stored, after)
    return BoxesReport(
        sample=request.sample,
        layer=request.layer,
        boxes=len(request.box),
        removed=removed,
        added=added,
    )

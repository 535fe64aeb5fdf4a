"""Tags given to pictures and taken from them; each change is one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.columns import Column
from tamis.services.tagging.contract import TaggedReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.tagging.contract import TagPictures, UntagPictures
    from tamis.verbs.feedback import Feedback

__all__ = ["tag_pictures", "untag_pictures"]


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

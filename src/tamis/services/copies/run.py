"""Push a dataset to an object store, and pull it from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.copies import Copy
from tamis.dataset.copying import pull_dataset, push_dataset
from tamis.services.copies.contract import CopyReport
from tamis.sources.objects.address import ObjectAddress
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.copying import Moved
    from tamis.runtime.workspace import Workspace
    from tamis.services.copies.contract import Pull, Push
    from tamis.verbs.feedback import Feedback

__all__ = ["pull", "pull_to", "push"]


def push(workspace: Workspace, request: Push, feedback: Feedback = SILENT) -> CopyReport:
    """Bring what a dataset has and its copy lacks to the copy.

    Raises:
        ConflictError: the copy has what the dataset lacks, or another push came first.
        StorageError: the store refuses, or lets two writers of one key both win.
        MissingExtraError: obstore is not installed.
    """
    copy = Copy(ObjectAddress.parse(request.to))
    return _report(copy, push_dataset(workspace.path, copy, feedback.stage("push")))


def pull(workspace: Workspace, request: Pull, feedback: Feedback = SILENT) -> CopyReport:
    """Bring what a copy has and a dataset lacks to the dataset; see `pull_to`."""
    report = pull_to(workspace.path, request, feedback)
    workspace.store.refresh()
    return report


def pull_to(path: Path, request: Pull, feedback: Feedback = SILENT) -> CopyReport:
    """Bring what a copy has to a dataset, which need not be there yet.

    Raises:
        DatasetMissingError: there is no copy.
        ConflictError: the dataset has what the copy lacks, or another writer is busy.
        DatasetError: something else lies there.
        StorageError: the store or the disk refuses, or a file of the copy is damaged.
        MissingExtraError: obstore is not installed.
    """
    copy = Copy(ObjectAddress.parse(request.source))
    return _report(copy, pull_dataset(copy, path, feedback.stage("pull")))


def _report(copy: Copy, moved: Moved) -> CopyReport:
    return CopyReport(
        place=copy.place, files=moved.files, snapshots=moved.snapshots, bytes=moved.bytes
    )

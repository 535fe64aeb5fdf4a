"""The log; undo, redo and checkout; tags; and cleaning up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.commands import command_of
from tamis.services.history.result import (
    CheckoutReport,
    DiffReport,
    FreedReport,
    LogLine,
    LogReport,
    PruneReport,
    RedoReport,
    TagReport,
    UndoReport,
)
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.dataset.history import LogEntry
    from tamis.runtime.workspace import Workspace
    from tamis.services.history.contract import (
        Checkout,
        CollectGarbage,
        Diff,
        Log,
        Prune,
        Redo,
        Tag,
        Undo,
    )
    from tamis.verbs.feedback import Feedback

__all__ = ["checkout", "diff", "gc", "log", "prune", "redo", "tag", "undo"]


def log(workspace: Workspace, _request: Log, _feedback: Feedback = SILENT) -> LogReport:
    """Return every operation, oldest first."""
    return LogReport(entries=[_line(entry) for entry in workspace.store.log()])


def undo(workspace: Workspace, _request: Undo, _feedback: Feedback = SILENT) -> UndoReport:
    """Take back the last operation.

    Raises:
        UsageError: nothing is left to undo, or operations wrote in turns.
        ConflictError: the operation still runs.
    """
    store = workspace.store
    unchanged = store.unchanged_since()
    undone = store.undo()
    notes = []
    if unchanged is not None:
        notes.append(
            f"the last command, {unchanged}, had changed nothing; this took back the one before, "
            f"{undone.verb}. tamis redo brings it back"
        )
    return UndoReport(undone=_line(undone), snapshot=store.snapshot, notes=notes)


def redo(workspace: Workspace, _request: Redo, _feedback: Feedback = SILENT) -> RedoReport:
    """Bring back what the last undo took back.

    Raises:
        UsageError: nothing was undone, or something was changed since.
    """
    redone = workspace.store.redo()
    return RedoReport(redone=_line(redone), snapshot=workspace.store.snapshot)


def checkout(
    workspace: Workspace, request: Checkout, _feedback: Feedback = SILENT
) -> CheckoutReport:
    """Bring the dataset back to how it was at a snapshot, whatever was done or undone since.

    Raises:
        UsageError: there is no such snapshot or tag.
        ConflictError: an operation still runs.
    """
    restored = workspace.store.checkout(request.to)
    return CheckoutReport(restored=restored, snapshot=workspace.store.snapshot)


def diff(workspace: Workspace, request: Diff, _feedback: Feedback = SILENT) -> DiffReport:
    """Return what changed between two snapshots.

    Raises:
        UsageError: there is no such snapshot or tag.
    """
    found = workspace.store.diff(request.a, request.b)
    return DiffReport(added=found.added, removed=found.removed, changed=found.changed)


def tag(workspace: Workspace, request: Tag, _feedback: Feedback = SILENT) -> TagReport:
    """Name the present snapshot.

    Raises:
        UsageError: the name is taken or cannot be a tag.
    """
    named = workspace.store.snapshot
    workspace.store.tag(request.name)
    return TagReport(tag=request.name, snapshot=named)


def gc(workspace: Workspace, _request: CollectGarbage, _feedback: Feedback = SILENT) -> FreedReport:
    """Remove what killed writers left behind."""
    freed = workspace.store.gc()
    return FreedReport(files=freed.files, bytes=freed.bytes, repaired=freed.files)


def prune(workspace: Workspace, request: Prune, _feedback: Feedback = SILENT) -> PruneReport:
    """Let go of the data of old states, or say what would go.

    Raises:
        ConflictError: another writer is busy.
        StorageError: the disk refuses.
    """
    act = workspace.store.prune if request.apply else workspace.store.prunable
    gone, freed = act(request.days)
    return PruneReport(snapshots=gone, files=freed.files, bytes=freed.bytes, applied=request.apply)


def _line(entry: LogEntry) -> LogLine:
    return LogLine(**vars(entry), command=command_of(entry))

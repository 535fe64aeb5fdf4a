"""Export rows as folders of pictures, tables or annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.formats.exports import export as write_export
from tamis.services.export.contract import ExportReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.export.contract import Export
    from tamis.verbs.feedback import Feedback

__all__ = ["export"]


def export(workspace: Workspace, request: Export, feedback: Feedback = SILENT) -> ExportReport:
    """Write rows as `tamis.formats.exports.export` does.

    Raises:
        UsageError: an unknown column, no matching row, or a destination in use.
        InputError: not one picture could be read.
        StorageError: the disk is full or refuses.
    """
    done = write_export(
        workspace.store,
        request.format,
        request.out,
        request.where,
        by=("split",) if request.by is None else request.by,
        link=request.link,
        columns=request.columns,
        layer=request.layer,
        pictures=request.pictures,
        overwrite=request.overwrite,
        progress=feedback.stage("export"),
    )
    return ExportReport(
        exported=done.exported, failed=done.failed, path=done.path, notes=done.notes
    )

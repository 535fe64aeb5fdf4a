"""From a dataset to its report on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import UsageError
from tamis.formats.exports.destination import new_file
from tamis.outside_text import storable
from tamis.pages.links import Links
from tamis.services.report.collect import collect
from tamis.services.report.contract import ReportWritten
from tamis.services.report.render import render
from tamis.services.split.audit import audit_if_split
from tamis.types import no_progress
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    import os

    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.report.contract import Report
    from tamis.services.report.pairs import Audit
    from tamis.types import Progress
    from tamis.verbs.feedback import Feedback

__all__ = ["report", "write_report"]


def write_report(
    store: Store,
    path: str | os.PathLike[str] = "report.html",
    *,
    column: str | None = None,
    audit: Audit | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Path:
    """Write the report on a dataset as one HTML file, replacing an earlier one.

    The page asks nothing of any network, and can be read where no script runs; it stays under
    about 15 MB whatever the dataset's size.

    Args:
        store: the dataset, as of its snapshot.
        path: the file, which ends in `.html`.
        column: the vector column to measure on; if None the one with the most vectors.
        audit: what an audit of the splits found, so that leaks can be looked at; None if there is
            no split.
        seed: draws the random selections that coverage is compared with.
        progress: told after each stage.

    Returns:
        `path`.

    Raises:
        UsageError: `path` does not end in `.html`, or `column` is no vector column.
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{path} does not end in .html; a report is an HTML file")
    page = render(
        collect(store, column=column, audit=audit, seed=seed, links=Links(path), progress=progress)
    )
    with new_file(path, overwrite=True) as draft:
        draft.write_text(storable(page), encoding="utf-8")
    return path


def report(workspace: Workspace, request: Report, feedback: Feedback = SILENT) -> ReportWritten:
    """Write the report on a dataset, with an audit of its splits if it has any.

    Raises:
        UsageError: the file does not end in `.html`, or there are no such vectors.
        StorageError: the disk is full or refuses.
    """
    column = None if request.encoder is None else workspace.vector_column(request.encoder).name
    written = write_report(
        workspace.store,
        request.out,
        column=column,
        audit=audit_if_split(workspace),
        seed=request.seed,
        progress=feedback.stage("report"),
    )
    return ReportWritten(report=written)

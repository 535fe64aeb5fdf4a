"""Exports that the page asks for: made in a folder of the server's, fetched as one file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.columns import Column, one_of
from tamis.errors import UsageError
from tamis.services.export.contract import Export

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.interfaces.server.session import Session
    from tamis.verbs.feedback import Feedback

__all__ = ["download_of", "start_export"]

_TABLES: Final = ("csv", "parquet")


def start_export(session: Session, given: Any) -> int:
    """Begin an export as a job; return its number.

    Args:
        session: the session.
        given: `format`, and perhaps `selection` and `layer`.

    Raises:
        UsageError: it cannot be exported so.
    """
    if not isinstance(given, dict) or set(given) - {"format", "selection", "layer"}:
        raise UsageError("an export has a format and perhaps a selection and a layer")
    chosen = given.get("selection")
    if not isinstance(chosen, str | None):
        raise UsageError(f"a selection is named by a text, not {chosen!r}")
    pictures = None if chosen is None else session.selections.of(chosen).pictures(session.refresh())
    form = str(given.get("format"))
    folder = session.new_place("-export")
    table = form in _TABLES and given.get("layer") is None
    fields: dict[str, Any] = {
        "format": form,
        "out": folder / (f"export.{form}" if table else "export"),
    }
    if given.get("layer") is not None:
        fields["layer"] = given["layer"]
    if pictures is not None and not pictures.get("all"):
        fields["where"] = _where(pictures)
    request = Export.of(fields)

    def work(feedback: Feedback) -> dict[str, Any]:
        folder.mkdir()
        report = session.do_alone(request, feedback)
        found = report.path
        if found.is_dir():
            archive = shutil.make_archive(str(folder / form), "zip", found)
            shutil.rmtree(found)
            found = folder / archive
        name = f"{session.workspace.path.stem}-{form}{found.suffix or '.' + form}"
        return {
            "exported": report.exported,
            "failed": len(report.failed),
            "file": str(found),
            "name": name,
        }

    return session.jobs.start("export", work).number


def download_of(session: Session, number: int) -> tuple[Path, str]:
    """Return the file of an export that is done, and the name that it is saved by.

    Raises:
        UsageError: there is no such export, or it is not done.
    """
    job = session.jobs.of(number)
    if job.verb != "export" or job.state != "done":
        raise UsageError(f"job {number} is no export that is done")
    return Path(job.result["file"]), job.result["name"]


def _where(pictures: Mapping[str, Any]) -> str:
    found: str = pictures.get("where") or one_of(Column.SAMPLE_ID, pictures["ids"])
    return found

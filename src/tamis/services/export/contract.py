"""What an export is asked, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Where

__all__ = ["Export", "ExportReport"]


@dataclass(frozen=True)
class Export(Request["ExportReport"], verb="export"):
    """Export rows as a folder of pictures or a table; originals are never touched.

    A folder gets the pictures, archive members included and parts cut out, with `manifest.csv` and
    `manifest.parquet`, whose first column `file` names each picture there.
    """

    format: Annotated[
        Literal["folder", "csv", "parquet"],
        Argument("folder, csv or parquet.", metavar="FORMAT"),
    ]
    out: Annotated[Path, Argument("Where it goes.", metavar="DIR")]
    _: KW_ONLY
    where: Where = None
    by: Annotated[
        Sequence[str] | None,
        Option("Sub-folders by this mark, the outermost first.", metavar="COLUMN", default="split"),
    ] = None
    columns: Annotated[
        Sequence[str] | None,
        Option("Columns of the table.", metavar="COLUMN", default="all but pictures and vectors"),
    ] = None
    link: Annotated[Literal["copy", "hardlink", "symlink"], Option("How pictures get there.")] = (
        "copy"
    )
    overwrite: Annotated[bool, Option("Replace an earlier export.")] = False


@dataclass(frozen=True, kw_only=True, repr=False)
class ExportReport(Result):
    """What an export did.

    Attributes:
        exported: rows that are in the result.
        failed: pictures that are not, each with its path and reason.
        path: the folder or file that was written.
    """

    exported: int
    failed: Sequence[Failure]
    path: Path

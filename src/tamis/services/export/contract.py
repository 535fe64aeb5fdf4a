"""What an export is asked, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tamis.dataset.annotation_layers import check_layer
from tamis.errors import UsageError
from tamis.formats.writers import WRITERS
from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Where

__all__ = ["Export", "ExportReport"]

_TABLES = ("folder", "csv", "parquet")

if TYPE_CHECKING:
    FormatName: TypeAlias = str
else:
    FormatName = Literal[(*_TABLES, *WRITERS)]


@dataclass(frozen=True)
class Export(Request["ExportReport"], verb="export"):
    """Export pictures, tables or annotations; originals stay.

    A folder gets the pictures, archive members included and parts cut out, with `manifest.csv` and
    `manifest.parquet`, whose first column `file` names each picture there. The formats of other
    tools get the pictures and one layer of annotations; what they cannot hold is counted.
    """

    format: Annotated[
        FormatName,
        Argument("The format.", metavar="FORMAT"),
    ]
    out: Annotated[Path, Argument("Where it goes.", metavar="DIR")]
    _: KW_ONLY
    where: Where = None
    by: Annotated[
        Sequence[str] | None,
        Option(
            "Make subfolders by this column, the outermost first.",
            metavar="COLUMN",
            default="split",
        ),
    ] = None
    columns: Annotated[
        Sequence[str] | None,
        Option("Columns of the table.", metavar="COLUMN", default="all but pictures and vectors"),
    ] = None
    layer: Annotated[
        str | None,
        Option(
            "The layer of annotations; of csv and parquet, export its annotations instead of rows.",
            metavar="L",
            default="truth",
        ),
    ] = None
    pictures: Annotated[
        bool,
        Option(
            "Export the pictures along with annotations.", names=("--pictures", "--no-pictures")
        ),
    ] = True
    link: Annotated[
        Literal["copy", "hardlink", "symlink"], Option("Copy pictures, or link to them.")
    ] = "copy"
    overwrite: Annotated[bool, Option("Replace an earlier export.")] = False

    def check(self) -> None:
        """See `Request`."""
        if self.layer is not None:
            check_layer(self.layer)
            if self.format == "folder":
                raise UsageError("a folder holds no annotations; leave --layer out")
        if not self.pictures and self.format in _TABLES:
            raise UsageError(f"{self.format} does not take --no-pictures; leave it out")


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

"""What an export is asked, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tamis.dataset.annotation_layers import check_layer
from tamis.errors import UsageError
from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Where

__all__ = ["Export", "ExportReport"]

_WITHOUT = ("folder", "csv", "parquet", "yolo-classify")


@dataclass(frozen=True)
class Export(Request["ExportReport"], verb="export"):
    """Export rows as a folder of pictures or a table; originals are never touched.

    A folder gets the pictures, archive members included and parts cut out, with `manifest.csv` and
    `manifest.parquet`, whose first column `file` names each picture there. The formats of other
    tools get the pictures and one layer of annotations; what they cannot hold is counted.
    """

    format: Annotated[
        Literal[
            "folder",
            "csv",
            "parquet",
            "coco",
            "yolo",
            "yolo-classify",
            "voc",
            "cvat",
            "labelme",
            "labelstudio",
            "fiftyone",
            "imagefolder",
            "huggingface",
            "webdataset",
        ],
        Argument("How it is written.", metavar="FORMAT"),
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
            "Let the pictures go along with annotations.", names=("--pictures", "--no-pictures")
        ),
    ] = True
    link: Annotated[Literal["copy", "hardlink", "symlink"], Option("How pictures get there.")] = (
        "copy"
    )
    overwrite: Annotated[bool, Option("Replace an earlier export.")] = False

    def check(self) -> None:
        """See `Request`."""
        if self.layer is not None:
            check_layer(self.layer)
            if self.format == "folder":
                raise UsageError("a folder holds no annotations; leave --layer out")
        packed = self.format in ("huggingface", "webdataset")
        if not self.pictures and (packed or self.format in _WITHOUT):
            raise UsageError(f"{self.format} does not take --no-pictures; leave it out")
        if packed and self.link != "copy":
            raise UsageError(f"{self.format} has the pictures inside its files; leave --link out")


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

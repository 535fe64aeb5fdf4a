"""What a report on a dataset is asked, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed

__all__ = ["Report", "ReportWritten"]


@dataclass(frozen=True)
class Report(Request["ReportWritten"], verb="report", run="write:report"):
    """Write one self-contained HTML report."""

    out: Annotated[Path, Option("The HTML file.", metavar="FILE", by_place=True)] = Path(
        "report.html"
    )
    encoder: EncoderOfVectors = None
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class ReportWritten(Result):
    """The report.

    Attributes:
        report: its file.
    """

    report: Path

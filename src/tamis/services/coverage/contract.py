"""What can be asked of a dataset's coverage, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar

from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Where

__all__ = ["DERIVED", "Coverage", "CoverageReport", "Gap", "Scenario"]

DERIVED = ("hour", "month", "place")
"""Scenarios that are read from other columns: of `captured_at`, `latitude` and `longitude`."""


@dataclass(frozen=True)
class Coverage(Request["CoverageReport"], verb="coverage"):
    """Show which scenarios the splits cover, and what fills gaps.

    A scenario is a value of a column, an hour or place of capture, or a word for what is shown.
    """

    by: Annotated[
        Sequence[str] | None,
        Argument(
            "Columns, and hour, month or place of capture.",
            metavar="COLUMN",
        ),
    ] = None
    _: KW_ONLY
    words: Annotated[
        Sequence[str],
        Option(
            "A scenario in words; each picture counts for the nearest of them.",
            names=("--word",),
            metavar="TEXT",
        ),
    ] = ()
    least: Annotated[
        int, Option("Fewer pictures than this in a split are a gap.", metavar="N", minimum=1)
    ] = 1
    split: Annotated[str, Option("The column that names the splits.", metavar="COLUMN")] = "split"
    where: Where = None
    encoder: EncoderOfVectors = None


@dataclass(frozen=True)
class Scenario:
    """One scenario, and how many pictures of it there are.

    Attributes:
        by: the column, `hour`, `month`, `place` or `word`.
        value: its value.
        pictures: how many there are.
        splits: how many in each split.
        free: how many are in no split.
        lacking: splits with fewer than the least.
    """

    by: str
    value: str
    pictures: int
    splits: Mapping[str, int]
    free: int
    lacking: Sequence[str]


@dataclass(frozen=True)
class Gap:
    """A scenario that splits lack, and how to fill it.

    Attributes:
        by: as in its scenario.
        value: as in its scenario.
        lacking: the splits.
        free: pictures of the scenario that are in no split.
        command: what finds pictures to fill it with.
    """

    by: str
    value: str
    lacking: Sequence[str]
    free: int
    command: str


@dataclass(frozen=True, kw_only=True, repr=False)
class CoverageReport(Result):
    """What is covered, and what is not.

    Attributes:
        scenarios: those that occur, by kind and value.
        splits: pictures in each split.
        free: pictures in no split.
        gaps: scenarios that a split lacks, those with most pictures first.
        encoder: spec of the encoder that read the words; None without words.
    """

    table_of: ClassVar = "scenarios"

    scenarios: Sequence[Scenario]
    splits: Mapping[str, int]
    free: int
    gaps: Sequence[Gap]
    encoder: str | None = None

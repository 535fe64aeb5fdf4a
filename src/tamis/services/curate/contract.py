"""What the main job is asked, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from tamis.types import Failure
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import (
    Drop,
    EncoderToUse,
    Every,
    Exclude,
    LabelLevel,
    Labels,
    Seed,
    Sources,
)

__all__ = ["Curate", "CurateReport"]


@dataclass(frozen=True)
class Curate(Request["CurateReport"], verb="curate", creates=True):
    """Add, embed, drop copies, select, split, export and report.

    Bad pictures are dropped too. Pictures that show the same view with different content, such as
    frames of a fixed camera, are not copies, and can be selected unless `drop` says otherwise.
    """

    sources: Sources
    _: KW_ONLY
    keep: Annotated[int, Option("How many pictures to keep.", metavar="N", minimum=1)]
    out: Annotated[Path, Option("Where the result goes.", metavar="DIR")]
    labels: Labels = "none"
    label_level: LabelLevel = None
    exclude: Exclude = ()
    every: Every = None
    encoder: EncoderToUse = "default"
    drop: Drop = "copies"
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class CurateReport(Result):
    """What the main job did.

    Attributes:
        added: pictures that were new to the dataset.
        known: pictures that were in it already.
        failed: files that could not be read, with their reasons.
        embedded: pictures that got a vector in this run.
        blank: pictures without any contrast, left out.
        duplicates: pictures left out since a better copy is kept, or with `drop="changed"` another
            version of the same view; those that are gone are not counted.
        changed: pairs of pictures that show the same view with other content somewhere.
        gone: pictures of earlier runs whose file is missing or holds something else, left out.
        selected: pictures in the result, all of them written.
        splits: pictures of the result in each split.
        max_cross_similarity: largest cosine similarity between pictures of two splits.
        pictures: folder of the result.
        manifest: table of the result, CSV; a Parquet file lies beside it.
        report: the HTML report.
    """

    added: int
    known: int
    failed: Sequence[Failure]
    embedded: int
    blank: int
    duplicates: int
    changed: int
    gone: int
    selected: int
    splits: dict[str, int]
    max_cross_similarity: float | None
    pictures: Path
    manifest: Path
    report: Path

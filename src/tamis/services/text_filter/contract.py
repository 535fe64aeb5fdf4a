"""What a filter by texts is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = ["Filter", "FilterReport", "Match", "ScoreHistogram"]


@dataclass(frozen=True)
class Filter(Request["FilterReport"], verb="filter", writes=True, run="text_filter"):
    """Find the pictures that match a text, and tag them.

    How many of them really match depends on the encoder: look at the pictures near the cut
    (gallery). Of several texts, the nearest counts. With classes, all texts, negative ones
    included, are classes, and each picture belongs to one.
    """

    texts: Annotated[Sequence[str], Argument("What the pictures should show.", metavar="TEXT")]
    _: KW_ONLY
    not_texts: Annotated[
        Sequence[str], Option("What they should not show.", names=("--not",), metavar="TEXT")
    ] = ()
    threshold: Annotated[
        float | None,
        Option(
            "Least score that passes: a cosine similarity, with classes a probability.",
            metavar="T",
            minimum=-1,
            maximum=1,
            default="found in the scores, or by everyday things; with classes none",
        ),
    ] = None
    classes: Annotated[bool, Option("Treat the texts as classes; each picture belongs to one.")] = (
        False
    )
    tag: Annotated[
        str | None,
        Option("Tag the pictures that pass; without it nothing is written.", metavar="NAME"),
    ] = None
    gallery: Annotated[
        Path | None,
        Option("Write a page of the pictures on either side of the cut.", metavar="FILE.html"),
    ] = None
    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """Refuse no texts, one given twice, a single class, and what is no tag."""
        given = [" ".join(text.split()) for text in (*self.texts, *self.not_texts)]
        if not self.texts:
            raise UsageError("give at least one text that says what the pictures should show")
        twice = next((text for number, text in enumerate(given) if text in given[:number]), None)
        if twice is not None:
            raise UsageError(f"the text {twice!r} is given twice; say it once, for or against")
        if self.classes and len(given) < 2:  # noqa: PLR2004 - a choice needs two
            raise UsageError(
                f"{given[0]!r} is the only class, so every picture would be of it; give another "
                "text, or one that is not meant, such as 'something else'"
            )
        if self.classes and self.threshold is not None and self.threshold < 0:
            raise UsageError(
                f"threshold is {self.threshold:g}; with classes give a probability from 0 to 1"
            )
        if self.tag is not None and (not self.tag.strip() or self.tag != self.tag.strip()):
            raise UsageError(f"{self.tag!r} cannot be a tag; give a word without spaces around it")


@dataclass(frozen=True)
class Match:
    """A picture that passed.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        text: the text that it fits best.
        score: its cosine similarity to that text; with classes the probability of it.
        margin: by how much `score` exceeds that of the nearest negative, with classes that of the
            second best class; None where there is no other.
    """

    path: str
    sample_id: str
    text: str
    score: float
    margin: float | None


@dataclass(frozen=True)
class ScoreHistogram:
    """Counts of scores over equal bins from `low` to `high`."""

    low: float
    high: float
    counts: Sequence[int]


@dataclass(frozen=True, kw_only=True, repr=False)
class FilterReport(Result):
    """What passed, and by which threshold.

    Attributes:
        matched: pictures that passed.
        scored: pictures that were scored: those with a vector that meet the condition.
        tag: what they were tagged with; None where nothing was written.
        tagged: pictures that got the tag now; the others had it.
        threshold: least score that passes; None where each picture is compared with other texts.
        suggested: whether the cut was found, not given.
        method: what the cut is: `given`, `two groups` of scores, `everyday things`, to which a
            picture has to be less near than to the text, `equal scores`, or `classes`.
        counts: for each text the matches that fit it best; with classes, for each class (the
            negatives too) the pictures that are likeliest of it.
        rows: the matches, best first.
        assigned: with classes, the class of every picture by sample id; else empty.
        histogram: of the scores of all pictures.
        encoder: spec of the encoder.
        column: the vector column.
        gallery: the page that was written; None if none was asked for.
    """

    table_of: ClassVar = "rows"

    matched: int
    scored: int
    tag: str | None
    tagged: int
    threshold: float | None
    suggested: bool
    method: Literal["given", "two groups", "everyday things", "equal scores", "classes"]
    counts: Mapping[str, int]
    rows: Sequence[Match]
    assigned: Mapping[str, str]
    histogram: ScoreHistogram
    encoder: str
    column: str
    gallery: str | None = None

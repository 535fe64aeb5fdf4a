"""What a search is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Where

__all__ = ["Hit", "Search", "SearchReport"]


@dataclass(frozen=True)
class Search(Request["SearchReport"], verb="search"):
    """Find the pictures nearest to a text or an example, best first.

    Several texts and examples are averaged; negative ones are subtracted.
    """

    texts: Annotated[Sequence[str], Argument("What the pictures should show.", metavar="TEXT")] = ()
    _: KW_ONLY
    like: Annotated[
        Sequence[str],
        Option(
            "An example: a path or sample id of the dataset, a file, or an annotation's id for "
            "the part of a picture where it lies.",
            metavar="PICTURE",
        ),
    ] = ()
    not_texts: Annotated[
        Sequence[str], Option("What they should not show.", names=("--not",), metavar="TEXT")
    ] = ()
    unlike: Annotated[
        Sequence[str], Option("An example that they should be unlike.", metavar="PICTURE")
    ] = ()
    region: Annotated[
        tuple[int, int, int, int] | None,
        Option("The part of the first example to look for, in pixels.", metavar="X,Y,W,H"),
    ] = None
    k: Annotated[int, Option("How many pictures.", names=("-k",), metavar="N", minimum=1)] = 20
    where: Where = None
    encoder: EncoderOfVectors = None
    exact: Annotated[bool, Option("Compare all vectors, without an index.")] = False
    distinct: Annotated[
        float | None,
        Option(
            "Skip pictures that are more similar than this to a better hit.",
            metavar="COSINE",
            minimum=-1,
            maximum=1,
        ),
    ] = None
    tiles: Annotated[bool, Option("Compare tiles too, and say which part matched.")] = False
    rerank: Annotated[
        int,
        Option(
            "Reorder the N best by comparing patches with the first example.",
            metavar="N",
            minimum=0,
        ),
    ] = 0
    gallery: Annotated[
        Path | None, Option("Also write a page of the pictures.", metavar="FILE")
    ] = None
    open_page: Annotated[bool, Option("Show that page in the browser.", names=("--open",))] = False

    def check(self) -> None:
        """Refuse a search for nothing, and a region of nothing."""
        if not (self.texts or self.like):
            raise UsageError("nothing to look for: give a text or an example (like)")
        if self.region is not None and not self.like:
            raise UsageError("a region is part of an example: name the picture (like)")


@dataclass(frozen=True)
class Hit:
    """One picture that was found.

    Attributes:
        path: as the user gave it.
        score: cosine similarity of its vector to the query's.
        sample_id: its key in the dataset.
        label: its label, if it has one.
        split: its split, if it has one.
        width: in pixels.
        height: in pixels.
        region: the part of the picture that matched, `[x, y, width, height]` in pixels; None for
            the whole.
        parent_id: the picture that it is a part of; None where the sample is a whole picture.
        local_score: how well the example's patches are found in it, in [-1, 1]; None unless hits
            were ordered by that.
    """

    path: str
    score: float
    sample_id: str
    label: str | None
    split: str | None
    width: int | None
    height: int | None
    region: tuple[int, int, int, int] | None = None
    parent_id: str | None = None
    local_score: float | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchReport(Result):
    """What a search found.

    Attributes:
        hits: best first.
        encoder: whose vectors were compared.
        column: the vector column.
        method: `exact`, or by the `index`.
        compared: vectors that were compared exactly.
        seconds: how long the comparing took; embedding the query is not counted.
        gallery: the page that was written; None if none was asked for.
    """

    table_of: ClassVar = "hits"

    hits: Sequence[Hit]
    encoder: str
    column: str
    method: Literal["exact", "index"]
    compared: int
    seconds: float
    gallery: str | None = None

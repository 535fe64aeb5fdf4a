"""What can be compared, and what tells two sides apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from tamis.errors import UsageError
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Seed

__all__ = [
    "Agreement",
    "Compare",
    "ComparedColumn",
    "ComparedValue",
    "Comparison",
    "Confused",
]

_TWO = 2


@dataclass(frozen=True, kw_only=True)
class Compare(Request["Comparison"], verb="compare"):
    """Compare two groups of pictures, two layers, or two encoders.

    Of groups: which columns tell them apart, and how they cover each value. Of layers: which
    classes one gives where the other gives another. Of encoders: how far they agree on what is
    alike. Nothing is written.
    """

    a: Annotated[
        str | None, Option("One group: pictures that meet this SQL condition.", metavar="SQL")
    ] = None
    b: Annotated[
        str | None,
        Option("The other group.", metavar="SQL", default="all pictures that are not of the first"),
    ] = None
    by: Annotated[
        Sequence[str],
        Option("A column to compare groups by.", metavar="COLUMN", default="all that vary"),
    ] = ()
    layers: Annotated[
        Sequence[str], Option("Two layers of classes; truth is one.", metavar="L")
    ] = ()
    encoders: Annotated[
        Sequence[str], Option("Two encoders that the dataset has vectors of.", metavar="SPEC")
    ] = ()
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        for name, given in (("layers", self.layers), ("encoders", self.encoders)):
            if given and len(given) != _TWO:
                raise UsageError(f"two {name} are compared; give two, not {len(given)}")
        if self.a is None and (self.b is not None or self.by):
            raise UsageError("the first group is missing: give its condition as a")
        if self.a is None and not self.layers and not self.encoders:
            raise UsageError("nothing to compare: give a condition (a), two layers or two encoders")


@dataclass(frozen=True)
class ComparedValue:
    """A value of a column on both sides.

    Attributes:
        value: the value; None stands for none.
        a: pictures of the first group that have it.
        b: of the second.
    """

    value: str | None
    a: int
    b: int


@dataclass(frozen=True)
class ComparedColumn:
    """A column on both sides.

    Attributes:
        name: the column.
        effect: how well it tells the groups apart, from 0 to 1: Cramér's V of categories, the
            largest difference of shares of lists, |2 AUC - 1| of numbers.
        p_value: chance of as much where nothing differs, adjusted for all columns.
        values: of categories, most frequent first; of numbers, bins named by their lower edge.
        median_a: of numbers, the median of the first group.
        median_b: of the second.
    """

    name: str
    effect: float
    p_value: float
    values: Sequence[ComparedValue]
    median_a: float | None = None
    median_b: float | None = None


@dataclass(frozen=True)
class Confused:
    """Pictures to which two layers give some classes.

    Attributes:
        first: class by the first layer; None for none.
        second: by the second.
        count: how many pictures.
    """

    first: str | None
    second: str | None
    count: int


@dataclass(frozen=True)
class Agreement:
    """How far two encoders agree on what is alike.

    Attributes:
        shared: mean share of a picture's nearest ones that both name.
        nearest: how many nearest ones were looked at.
        pictures: on how many pictures.
        least: sample ids of the pictures on which they agree least.
    """

    shared: float
    nearest: int
    pictures: int
    least: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Result):
    """What tells two sides apart.

    Attributes:
        a: pictures of the first group.
        b: pictures of the second.
        both: of them in both groups.
        columns: what tells the groups apart best first.
        confusion: of layers, the most frequent pairs of classes first.
        agreement: of encoders.
    """

    table_of: ClassVar = "columns"

    a: int
    b: int
    both: int
    columns: Sequence[ComparedColumn]
    confusion: Sequence[Confused]
    agreement: Agreement | None

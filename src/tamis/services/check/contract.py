"""What a check of a dataset is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar, Literal

from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result

__all__ = ["Check", "CheckReport", "Problem"]


@dataclass(frozen=True)
class Check(Request["CheckReport"], verb="check"):
    """Check that all pictures and the dataset itself are intact.

    Every file of the dataset is compared with its checksum; keys, vectors, annotations, indexes and
    the log have to agree.
    """

    _: KW_ONLY
    repair: Annotated[
        bool,
        Option(
            "Mend what can be: clear vectors that are wrong, so that embed computes them, remove "
            "annotations of no sample, build broken indexes anew, and remove what killed runs left."
        ),
    ] = False


Kind = Literal["missing", "changed", "unreadable", "dataset"]


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be.

    Attributes:
        kind: of a picture `missing`, `changed` (its file holds something else) or `unreadable`;
            `dataset` for what is wrong with the dataset itself.
        path: the picture as the user gave it, or the part of the dataset.
        reason: one sentence.
        sample_id: the picture's key; None for the dataset.
    """

    kind: Kind
    path: str
    reason: str
    sample_id: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckReport(Result):
    """What a check found.

    Attributes:
        samples: rows that were looked at.
        problems: what is wrong; empty if all is there and whole.
        repaired: what was mended, if that was asked for.
    """

    table_of: ClassVar = "problems"

    samples: int
    problems: Sequence[Problem]
    repaired: int = 0

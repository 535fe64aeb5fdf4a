"""What a check of a dataset is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from tamis.verbs.request import Request
from tamis.verbs.result import Result

__all__ = ["Check", "CheckReport", "Problem"]


@dataclass(frozen=True)
class Check(Request["CheckReport"], verb="check"):
    """Check that all pictures and the dataset itself are intact."""


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
        repaired: always 0: a check changes nothing.
    """

    table_of: ClassVar = "problems"

    samples: int
    problems: Sequence[Problem]
    repaired: int = 0

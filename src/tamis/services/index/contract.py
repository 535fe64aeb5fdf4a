"""What an index is asked to cover, and what it covers."""

from __future__ import annotations

from dataclasses import dataclass

from tamis.verbs.request import Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors

__all__ = ["Index", "IndexReport"]


@dataclass(frozen=True, kw_only=True)
class Index(Request["IndexReport"], verb="index", writes=True):
    """Index the vectors for search.

    `embed` does this by itself from 100,000 pictures on.
    """

    encoder: EncoderOfVectors = None


@dataclass(frozen=True, kw_only=True, repr=False)
class IndexReport(Result):
    """What the index covers.

    Attributes:
        covered: rows; 0 where there are too few vectors to learn an index from.
        total: rows of the dataset.
        column: the vector column.
    """

    covered: int
    total: int
    column: str

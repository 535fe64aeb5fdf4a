"""What a scoring is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tamis.verbs.request import Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = ["PictureScore", "ScoreReport", "Scores"]


@dataclass(frozen=True, kw_only=True)
class Scores(Request["ScoreReport"], verb="scores", writes=True):
    """Mark how representative and how unique each picture is."""

    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0


@dataclass(frozen=True)
class PictureScore:
    """One picture's scores; see `tamis.algo.representativeness.RowScores`."""

    path: str
    representativeness: float
    uniqueness: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ScoreReport(Result):
    """What was scored.

    Attributes:
        scored: how many pictures.
        copies: how many have an identical vector beside them, uniqueness 0.
        representative: the ten most representative pictures, best first.
        unique: the ten most unique pictures, best first.
        width: Euclidean distance at which a picture counts by 1/e; the median distance to the
            tenth nearest.
        encoder: spec of the encoder of the vectors.
        column: the vector column.
        recall: share of the true neighbours found; 1 if exact.
    """

    table_of: ClassVar = "representative"

    scored: int
    copies: int
    representative: Sequence[PictureScore]
    unique: Sequence[PictureScore]
    width: float
    encoder: str
    column: str
    recall: float

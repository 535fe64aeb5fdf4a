"""What a search for duplicates tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis.algo.calibration import PairCalibration

__all__ = ["DuplicateReport", "Group", "Pair"]


@dataclass(frozen=True)
class Pair:
    """Two pictures of the same shot.

    Attributes:
        left: path of one.
        right: path of the other.
        score: verification score; 1 for equal files.
        kind: `exact` (equal files), `near`, or `flip` (mirrored left-right).
    """

    left: str
    right: str
    score: float
    kind: str


@dataclass(frozen=True)
class Group:
    """A kept picture and those that go, each a verified duplicate of it.

    Attributes:
        keep: path.
        drop: paths, best first.
        scores: of each dropped with the kept one.
        kinds: of each dropped, as in `Pair`.
    """

    keep: str
    drop: list[str]
    scores: list[float]
    kinds: list[str]


@dataclass(frozen=True)
class DuplicateReport:
    """What a search for duplicates found.

    Attributes:
        threshold: least verification score of a pair.
        calibration: what copies and different pictures score here; None with a given threshold.
        pairs: verified pairs; of equal files, each with the best of them only.
        groups: largest first.
        pictures: how many were searched.
        candidates: how many pairs were compared pixel for pixel.
        column: the vector column that gave candidates.
        recall: of the neighbours by vector, estimated; 1 if exact.
        note: what to know before trusting the groups; empty if nothing.
    """

    threshold: float
    calibration: PairCalibration | None
    pairs: list[Pair]
    groups: list[Group]
    pictures: int
    candidates: int
    column: str
    recall: float
    note: str

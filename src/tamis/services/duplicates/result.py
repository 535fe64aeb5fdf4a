"""What a search for duplicates tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from tamis.algo.calibration import PairCalibration
from tamis.types import Verdict
from tamis.verbs.result import Result

__all__ = ["DuplicateReport", "Group", "Pair", "PixelBox", "Region"]

PixelBox: TypeAlias = tuple[int, int, int, int]
"""x, y, width and height in pixels of a picture as it is shown, upright; of a part in its own."""


@dataclass(frozen=True)
class Region:
    """A place where two pictures of one view differ.

    Attributes:
        left: where in the left picture.
        right: where in the right one.
    """

    left: PixelBox
    right: PixelBox


@dataclass(frozen=True)
class Pair:
    """Two pictures of one view.

    Attributes:
        left: path of one.
        right: path of the other.
        score: 1 where nothing differs beyond noise and processing; falls with the worst place.
        verdict: `copy`, `changed` or `undecided`.
        region: the worst place where they differ; None if they do not, or it was not found.
        kind: `exact` (equal files), `near`, `flip` (mirrored left-right), or `turned` (by quarters,
            mirrored or not).
        regions: all places where they differ, the worst first.
        left_id: sample id of the left one.
        right_id: sample id of the right one.
    """

    left: str
    right: str
    score: float
    verdict: Verdict
    region: Region | None
    kind: str
    regions: Sequence[Region]
    left_id: str
    right_id: str


@dataclass(frozen=True)
class Group:
    """A picture and those found to be copies or changed versions of it.

    Attributes:
        keep: path of the one that stays.
        drop: paths of what `apply` drops, each paired with the kept one, best first.
        verdict: `copy`, or `changed` if any member is a changed version.
        members: paths of all, the kept one first; in a changed group some may stay.
        scores: of each member but the first with the first.
        kinds: of each member but the first: `exact`, `near`, `flip`, `turned`,
            `changed`, or `reviewed` where only a review's answer joins the two.
        reasons: the rule that put the first before each other member; `answer` for a review's.
        ids: sample ids of the members.
    """

    keep: str
    drop: Sequence[str]
    verdict: Verdict
    members: Sequence[str]
    scores: Sequence[float]
    kinds: Sequence[str]
    reasons: Sequence[str]
    ids: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class DuplicateReport(Result):
    """What a search for duplicates found.

    Attributes:
        threshold: score from which a pair is a copy.
        changed_threshold: agreement from which a pair shows one view.
        calibration: what the user's pictures say about the thresholds.
        pairs: pairs of one view; of equal files, each with the best of them only.
        groups: copies first, then changed versions; larger ones first.
        verdicts: how many pairs have which verdict.
        pictures: how many were searched.
        candidates: how many pairs were compared pixel for pixel.
        encoder: spec of the encoder of the vectors.
        column: the vector column that gave candidates.
        recall: of the neighbours by vector, estimated; 1 if exact.
        gallery: the page that was written; None if none was asked for.
    """

    table_of: ClassVar = "pairs"

    threshold: float
    changed_threshold: float
    calibration: PairCalibration
    pairs: Sequence[Pair]
    groups: Sequence[Group]
    verdicts: Mapping[str, int]
    pictures: int
    candidates: int
    encoder: str
    column: str
    recall: float
    gallery: str | None = None

    @property
    def dropped(self) -> int:
        """How many pictures `apply` drops."""
        return sum(len(group.drop) for group in self.groups)

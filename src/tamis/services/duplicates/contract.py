"""What a search for duplicates is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from tamis.algo.calibration import PairCalibration
from tamis.errors import UsageError
from tamis.services.duplicates.preferences import parse_preferences
from tamis.types import Verdict
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = ["Drop", "DuplicateReport", "Duplicates", "Group", "Pair", "PixelBox", "Region"]

Drop: TypeAlias = Literal["copies", "changed"]
"""What is dropped: copies only, or changed versions as well."""

PixelBox: TypeAlias = tuple[int, int, int, int]
"""x, y, width and height in pixels of a picture as it is shown, upright; of a part in its own."""


@dataclass(frozen=True, kw_only=True)
class Duplicates(Request["DuplicateReport"], verb="duplicates", writes=True):
    """Find copies, pictures that differ in places only, and which of each group to keep.

    A copy differs by noise and processing only; a changed version shows the same view with other
    content somewhere, and the pair says where. No file is ever deleted.
    """

    threshold: Annotated[
        float | Literal["auto"],
        Option(
            "Score in (0, 1] from which a pair is a copy; auto learns it from the pictures.",
            metavar="T|auto",
        ),
    ] = "auto"
    changed_threshold: Annotated[
        float | Literal["auto"],
        Option(
            "Agreement in (0, 1] from which a pair shows one view, with other content.",
            metavar="T|auto",
        ),
    ] = "auto"
    apply: Annotated[bool, Option("Mark what is dropped; no file is ever deleted.")] = False
    drop: Annotated[
        Drop, Option("Drop copies only, or pictures with other content in the same view as well.")
    ] = "copies"
    prefer: Annotated[
        Sequence[str],
        Option(
            "Which copy to keep: resolution, sharpness, exif, oldest, newest, labeled, "
            "unlabeled, size, path, folder=PATH or folder=GLOB; several with commas or repeated, "
            "the first that tells two copies apart decides. Where none does: resolution, "
            "sharpness, exif, size, path. A file that is there always goes first.",
            metavar="RULE",
        ),
    ] = ()
    where: Where = None
    gallery: Annotated[
        Path | None,
        Option("Write a page with the pairs side by side and what differs marked.", metavar="FILE"),
    ] = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """Refuse thresholds outside (0, 1] and unknown rules."""
        for name, line in (
            ("threshold", self.threshold),
            ("changed threshold", self.changed_threshold),
        ):
            if isinstance(line, float) and not 0 < line <= 1:
                raise UsageError(f"{name} is {line:g}; give a score above 0 and up to 1, or auto")
        parse_preferences(self.prefer)


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
        kind: `exact` (equal files), `near`, or `flip` (mirrored left-right).
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
        kinds: of each member but the first: `exact`, `near`, `flip`, or `changed`.
        reasons: the rule that put the first before each other member.
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
        column: the vector column that gave candidates.
        recall: of the neighbours by vector, estimated; 1 if exact.
        gallery: the page that was written; None if none was asked for.
    """

    threshold: float
    changed_threshold: float
    calibration: PairCalibration
    pairs: Sequence[Pair]
    groups: Sequence[Group]
    verdicts: Mapping[str, int]
    pictures: int
    candidates: int
    column: str
    recall: float
    gallery: str | None = None

    @property
    def dropped(self) -> int:
        """How many pictures `apply` drops."""
        return sum(len(group.drop) for group in self.groups)

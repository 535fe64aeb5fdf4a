"""What a model of nominal pictures holds, and what a search for defects finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tamis.types import Failure
from tamis.verbs.result import Result

__all__ = [
    "Candidate",
    "DefectRegion",
    "DefectsExpert",
    "DefectsExportReport",
    "DefectsFitReport",
    "DefectsReport",
    "DefectsTruth",
    "ScoredPicture",
    "Suspect",
]


@dataclass(frozen=True)
class DefectsExpert:
    """One of the models that a picture is scored by; the highest score counts.

    Attributes:
        model: `bank`, the distance to the nearest of some nominal patches, or `residual`, what a
            PCA of nominal patches leaves.
        levels: of the encoder, which are joined.
        sigma: of the smoothing, in places.
        reads: `highest`, the mean of the highest 0.5 % of places; `mean`, of all; `peak`, the
            highest place, in models of earlier versions.
    """

    model: str
    levels: Sequence[str]
    sigma: float
    reads: str


@dataclass(frozen=True)
class Candidate:
    """What was compared on planted flaws.

    Attributes:
        side: pixels of the shorter side at which pictures are looked at.
        experts: one model, or two.
        auroc: on the flaws that choose.
    """

    side: int
    experts: Sequence[DefectsExpert]
    auroc: float


@dataclass(frozen=True)
class Suspect:
    """A picture among the nominal ones that scores like a flawed one.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        score: by a model that has not seen it.
    """

    path: str
    sample_id: str
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class DefectsFitReport(Result):
    """A model of nominal pictures.

    Attributes:
        model: its file.
        bytes: its size.
        encoder: whose features it uses.
        experts: the models that a picture is scored by.
        side: pixels of the shorter side at which pictures are looked at.
        pictures: nominal pictures that it was fitted to.
        groups: groups of them that were held out together.
        threshold: a higher score is anomalous.
        false_alarm_rate: what was asked for.
        promised_rate: what holds for new nominal pictures.
        fewest_groups: groups that the rate asked for needs.
        planted_auroc: on planted flaws that did not choose; None where nothing was planted.
        planted: the same for each kind of flaw.
        candidates: what was chosen, then the best of what was compared; empty where nothing was.
        suspects: pictures that look flawed themselves, worst first.
        failed: pictures that could not be read.
        seconds: processor time.
    """

    table_of: ClassVar = "candidates"

    model: str
    bytes: int
    encoder: str
    experts: Sequence[DefectsExpert]
    side: int
    pictures: int
    groups: int
    threshold: float
    false_alarm_rate: float
    promised_rate: float
    fewest_groups: int
    planted_auroc: float | None
    planted: dict[str, float]
    candidates: Sequence[Candidate]
    suspects: Sequence[Suspect]
    failed: Sequence[Failure]
    seconds: float


@dataclass(frozen=True)
class DefectRegion:
    """A part of a picture that differs from nominal ones.

    Attributes:
        box: left, top, width and height in pixels of the picture.
        area: pixels of its mask.
        peak: the highest score in it.
        mask: run-length code of the whole picture, as COCO writes it.
    """

    box: tuple[int, int, int, int]
    area: int
    peak: float
    mask: str


@dataclass(frozen=True)
class ScoredPicture:
    """A picture and what the model says of it.

    Attributes:
        path: as the user gave it.
        score: deviations above nominal pictures.
        anomalous: whether that is above the threshold.
        regions: where it differs, worst first; empty unless it is anomalous, and where it differs
            as a whole only.
        map: the file of the picture with its heat-map; None if none was asked for.
        sample_id: its key in the dataset; None for new pictures.
    """

    path: str
    score: float
    anomalous: bool
    regions: Sequence[DefectRegion]
    map: str | None = None
    sample_id: str | None = None


@dataclass(frozen=True)
class DefectsTruth:
    """How well the scores agree with a truth.

    Attributes:
        flawed: pictures with a flaw.
        picture_auroc: chance that a flawed picture scores higher than another; None unless there
            are both.
        recall: share of flawed pictures that are called anomalous.
        false_alarms: share of the others that are; None if there are none.
        pixel_auroc: chance that a flawed pixel is higher than another.
        pro: area under the mean share found of each flawed region, up to 30 % false positives.
        f1: of pixels, at the best threshold.
    """

    flawed: int
    picture_auroc: float | None
    recall: float
    false_alarms: float | None
    pixel_auroc: float
    pro: float
    f1: float


@dataclass(frozen=True, kw_only=True, repr=False)
class DefectsReport(Result):
    """What was found in pictures.

    Attributes:
        threshold: a higher score is anomalous.
        false_alarm_rate: what holds for nominal pictures by that threshold; None for a batch that
            scored itself.
        anomalous: how many pictures are.
        pictures: all of them, worst first.
        truth: how well that agrees with the truth; None if none was given.
        layer: the layer that regions were written to; None where none was.
        gallery: the page that was written.
        model: the model's file; None for a batch that scored itself.
        failed: pictures that could not be read.
        seconds: processor time.
    """

    table_of: ClassVar = "pictures"

    threshold: float
    false_alarm_rate: float | None
    anomalous: int
    pictures: Sequence[ScoredPicture]
    truth: DefectsTruth | None
    layer: str | None
    gallery: str | None
    model: str | None
    failed: Sequence[Failure]
    seconds: float


@dataclass(frozen=True, kw_only=True, repr=False)
class DefectsExportReport(Result):
    """A model as an ONNX graph.

    Attributes:
        path: the file.
        bytes: its size.
        input: height and width of its input `pixels`, `[height, width, 3]` uint8: a picture of the
            size that was asked for, with its shorter side at the model's.
        outputs: `score`, `anomalous` and `heat_map`.
        threshold: a higher score is anomalous.
    """

    path: str
    bytes: int
    input: tuple[int, int]
    outputs: Sequence[str]
    threshold: float

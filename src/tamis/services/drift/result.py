"""What a drift reference holds, and what a drift check finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tamis.types import Failure
from tamis.verbs.result import Result

__all__ = [
    "AdaptedProbe",
    "Cause",
    "DriftAdaptation",
    "DriftAlarm",
    "DriftClass",
    "DriftCluster",
    "DriftCovariate",
    "DriftExample",
    "DriftFitReport",
    "DriftHarm",
    "DriftMagnitude",
    "DriftReport",
    "Shift",
]

Cause: TypeAlias = Literal["none", "capture", "content", "both"]

Shift: TypeAlias = Literal["none", "label", "covariate", "both"]


@dataclass(frozen=True, kw_only=True, repr=False)
class DriftFitReport(Result):
    """A reference.

    Attributes:
        reference: its file.
        bytes: its size.
        encoder: whose vectors it holds.
        pictures: pictures that it was fitted on.
        stored: of these, the pictures that it holds, a random sample.
        units: draws among the stored: pictures, or blocks of frames.
        block_length: consecutive frames of a video that count as one draw.
        covariates: simple figures that it holds.
        classes: labels that it can estimate the accuracy for; empty without labels.
    """

    reference: str
    bytes: int
    encoder: str
    pictures: int
    stored: int
    units: int
    block_length: int
    covariates: Sequence[str]
    classes: Sequence[str]


@dataclass(frozen=True)
class AdaptedProbe:
    """How well a way to adapt a probe does on drifted pictures whose labels it did not see.

    Attributes:
        method: `as it is`, `prior`, `temperature` or `retrain`.
        measured: pictures that it was measured on.
        accuracy: share predicted rightly; None, like what follows, where nothing could be measured.
        low: lower end of its 95 % interval.
        high: upper end.
        log_loss: mean of `-log p` of the true class.
        ece: expected calibration error.
    """

    method: str
    measured: int
    accuracy: float | None
    low: float | None
    high: float | None
    log_loss: float | None
    ece: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class DriftAdaptation(Result):
    """How a probe was made fit for drifted pictures.

    Attributes:
        name: the probe's name.
        chosen: the way that was chosen; `as it is` changes nothing.
        file: where the adapted probe is kept, relative to the dataset; None if nothing was changed.
        pictures: drifted pictures.
        labels: of them that have a label.
        tried: the ways, the probe as it is first; empty without labels.
        classes: estimated shares of the classes among the drifted pictures.
        encoder: spec of the encoder of the vectors.
    """

    name: str
    chosen: str
    file: str | None
    pictures: int
    labels: int
    tried: Sequence[AdaptedProbe]
    classes: Sequence[DriftClass]
    encoder: str


@dataclass(frozen=True)
class DriftMagnitude:
    """How far apart batch and reference are; no tests, and comparable between equal sizes only.

    Attributes:
        mmd2: unbiased squared MMD; about 0 where nothing has changed.
        frechet: squared Fréchet distance of the vectors.
        psi: population stability index over clusters of both sides.
        area_under_curve: how well a linear classifier tells the sides apart; .5 is not at all.
        neighbors_alike: share of a picture's nearest that are of its own side.
    """

    mmd2: float
    frechet: float
    psi: float
    area_under_curve: float
    neighbors_alike: float


@dataclass(frozen=True)
class DriftHarm:
    """What the drift is likely to do to a classifier of the reference's labels.

    Attributes:
        accuracy: share of the reference that a probe classifies rightly, out of fold.
        expected: expected accuracy on the batch.
        change: of the accuracy.
        low: lower end of the change's 95 % interval.
        high: upper end.
        assumptions: what the estimate takes for granted.
    """

    accuracy: float
    expected: float
    change: float
    low: float
    high: float
    assumptions: Sequence[str]


@dataclass(frozen=True)
class DriftClass:
    """How frequent a label is where the batch comes from, if each class looks as it did.

    Attributes:
        name: the label.
        reference: share of the labeled reference.
        batch: estimated share.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    name: str
    reference: float
    batch: float
    low: float
    high: float


@dataclass(frozen=True)
class DriftCluster:
    """A kind of picture that became more or less frequent.

    Attributes:
        change: `grew`, `shrank`, `new` or `gone`.
        reference: pictures of the reference in it.
        batch: pictures of the batch in it.
        reference_share: share of the reference.
        batch_share: share of the batch.
        p_value: adjusted for all clusters.
        path: its most typical picture; None if that is of the reference and not in the dataset.
        sample_id: that picture's id.
        before: sample ids of up to 12 of its pictures in the reference.
        after: sample ids of up to 12 of its pictures in the batch, what is most drifted first.
    """

    change: Literal["grew", "shrank", "new", "gone"]
    reference: int
    batch: int
    reference_share: float
    batch_share: float
    p_value: float
    path: str | None
    sample_id: str
    before: Sequence[str] = ()
    after: Sequence[str] = ()


@dataclass(frozen=True)
class DriftCovariate:
    """A simple figure on both sides.

    Attributes:
        name: what it is.
        p_value: by itself.
        adjusted: for all covariates together.
        reference: median of the reference; the commonest of a category.
        batch: the same of the batch.
    """

    name: str
    p_value: float
    adjusted: float
    reference: float | str | None
    batch: float | str | None


@dataclass(frozen=True)
class DriftExample:
    """A picture that shows the drift.

    Attributes:
        path: as the user gave it.
        sample_id: its id; the same once it is added to the dataset.
        score: how much denser the batch is around it than the reference.
        label: whether it is one of those to label: clear cases that are unlike each other.
    """

    path: str
    sample_id: str
    score: float
    label: bool


@dataclass(frozen=True)
class DriftAlarm:
    """A moment at which the running e-value reached 1 / level.

    Attributes:
        path: the picture, or the first of the block, that made it.
        since: the picture from which the drift is estimated to begin; None if that was in an
            earlier check.
        e_value: what it reached.
        figures: what shows it, the clearest first: `vectors` or names of covariates.
    """

    path: str
    since: str | None
    e_value: float
    figures: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class DriftReport(Result):
    """What a drift check found.

    Attributes:
        drift: the decision: `p_value` is at most `level`.
        p_value: of vectors and covariates together; valid for this one check.
        level: chance of a false alarm.
        p_vectors: of the vectors by themselves.
        e_value: running evidence of all checks so far, valid at every look: an alarm from
            1 / level of the reference on. The highest of this check if it raised one.
        alarms: that the running e-value raised in this check.
        cause: `capture` if pictures are taken otherwise (brightness, sharpness), `content` if they
            show something else, `both`, or `none` without drift.
        explanation: what changed, in sentences.
        magnitude: how much.
        harm: expected change of accuracy; None without labels in the reference.
        shift: `label` if classes became more or less frequent and look as they did, `covariate` if
            they look different, `both`, or `none`; None without labels in the reference.
        classes: estimated shares of the classes; empty without labels in the reference.
        clusters: kinds of pictures that changed, the most certain first.
        covariates: simple figures that were compared.
        examples: pictures that show the drift most.
        select: the commands that hand the pictures to label over to `select`; empty without drift.
        pictures: pictures that were checked.
        units: draws of the reference and of the batch.
        reference: the reference's file.
        reference_pictures: pictures that it holds.
        failed: pictures that could not be read or embedded.
        gallery: the page that was written; None if none was asked for.
    """

    drift: bool
    p_value: float
    level: float
    p_vectors: float
    e_value: float | None
    alarms: Sequence[DriftAlarm]
    cause: Cause
    explanation: Sequence[str]
    magnitude: DriftMagnitude
    harm: DriftHarm | None
    shift: Shift | None
    classes: Sequence[DriftClass]
    clusters: Sequence[DriftCluster]
    covariates: Sequence[DriftCovariate]
    examples: Sequence[DriftExample]
    select: Sequence[str]
    pictures: int
    units: tuple[int, int]
    reference: str
    reference_pictures: int
    failed: Sequence[Failure] = ()
    gallery: str | None = None

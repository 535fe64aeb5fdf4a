"""What an evaluation is asked, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Where

__all__ = [
    "ClassResult",
    "Confusion",
    "Evaluate",
    "EvaluateReport",
    "Mistake",
    "PictureErrors",
    "Share",
    "SizeResult",
    "SliceResult",
]


@dataclass(frozen=True)
class Evaluate(Request["EvaluateReport"], verb="evaluate", writes=True):
    """Compare predictions in one layer with the truth in another.

    Average precision is COCO's. Precision, recall and confusion are at one confidence and one
    overlap.
    """

    layer: Annotated[str, Argument("The layer of predictions.", metavar="LAYER")]
    _: KW_ONLY
    truth: Annotated[str, Option("The layer with the truth.", metavar="L")] = TRUTH
    task: Annotated[
        Literal["boxes", "masks", "keypoints", "classes"] | None,
        Option("What is compared.", default="boxes if the layer of predictions has any"),
    ] = None
    where: Where = None
    by: Annotated[
        Sequence[str],
        Option(
            "Columns whose values make slices, such as split or tags; numbers in quarters.",
            metavar="COLUMN",
        ),
    ] = ()
    confidence: Annotated[
        float, Option("Least confidence of a prediction that counts.", minimum=0, maximum=1)
    ] = 0.5
    overlap: Annotated[
        float, Option("Least intersection over union of a match.", minimum=0, maximum=1)
    ] = 0.5
    tag: Annotated[str | None, Option("Tag pictures with a mistake.", metavar="NAME")] = None
    most: Annotated[
        int | None,
        Option(
            "Tag and show only the N pictures on which the layers disagree most.",
            metavar="N",
            minimum=1,
            default="all with a mistake are tagged, 200 shown",
        ),
    ] = None
    gallery: Annotated[
        Path | None,
        Option("Also write a page of these pictures, with both layers drawn.", metavar="FILE"),
    ] = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        check_layer(self.truth)
        if self.layer == self.truth:
            raise UsageError(f"{self.layer} is both the predictions and the truth; name two layers")
        if self.most is not None and self.tag is None and self.gallery is None:
            raise UsageError("most says how many pictures to tag or show: give a tag or a gallery")
        if not self.overlap:
            raise UsageError("an overlap of 0 matches everything; give more than 0")


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval; all None where there is nothing to count.

    Attributes:
        value: the share.
        low: lower end.
        high: upper end.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ClassResult:
    """One class.

    Attributes:
        label: its name.
        truths: how many there are.
        predictions: how many were predicted with enough confidence.
        ap: average precision over overlaps of 0.5 to 0.95, of classes that of the ranking by
            confidence; None where none is true.
        ap50: at an overlap of 0.5; None of classes.
        precision: share of predictions that are right.
        recall: share of truths that were found.
    """

    label: str
    truths: int
    predictions: int
    ap: float | None
    ap50: float | None
    precision: Share
    recall: Share


@dataclass(frozen=True)
class SizeResult:
    """Objects of one size by COCO's bounds: below 32 x 32 pixels, up to 96 x 96, above.

    Attributes:
        size: `small`, `medium` or `large`.
        ap: average precision.
        recall: mean recall over overlaps of 0.5 to 0.95.
    """

    size: str
    ap: float | None
    recall: float | None


@dataclass(frozen=True)
class SliceResult:
    """Pictures with one value in a column.

    Attributes:
        column: the column.
        value: the value, as text; None where it is empty.
        pictures: how many.
        truths: how many objects or classes they have.
        ap: average precision; None where nothing is true.
        precision: share of predictions that are right.
        recall: share of truths that were found.
    """

    column: str
    value: str | None
    pictures: int
    truths: int
    ap: float | None
    precision: Share
    recall: Share


@dataclass(frozen=True)
class Confusion:
    """How often one class was predicted where another is true.

    Attributes:
        truth: the true class; None where nothing is.
        predicted: the predicted class; None where it was missed.
        count: how often.
    """

    truth: str | None
    predicted: str | None
    count: int


@dataclass(frozen=True)
class PictureErrors:
    """A picture with mistakes.

    Attributes:
        path: its path.
        sample_id: its key in the dataset.
        missed: truths that were not found.
        invented: predictions where nothing is.
        confused: predictions of another class.
        disagreement: from 0 where both layers say the same to 1 where nothing agrees.
    """

    path: str
    sample_id: str
    missed: int
    invented: int
    confused: int
    disagreement: float


@dataclass(frozen=True)
class Mistake:
    """One object or class that is missed, invented or confused.

    Attributes:
        path: of the picture.
        truth: the true class; None where nothing is.
        predicted: the predicted class; None where it was missed.
        confidence: of the prediction; None where it was missed.
        annotation_id: of the prediction, or of what was missed; `tamis search --like` takes it.
        box: of the object, x, y, width and height in pixels; None of classes.
    """

    path: str
    truth: str | None
    predicted: str | None
    confidence: float | None
    annotation_id: str | None
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True, kw_only=True, repr=False)
class EvaluateReport(Result):
    """How well predictions agree with the truth.

    Attributes:
        layer: the predictions.
        truth: the truth.
        task: `boxes`, `masks`, `keypoints` or `classes`.
        pictures: pictures that have a truth or a prediction.
        ap: mean of the classes' average precision.
        ap50: at an overlap of 0.5; None of classes.
        ap75: at an overlap of 0.75; None of classes.
        precision: share of predictions that are right, of all classes together.
        recall: share of truths that were found, likewise; of single classes the accuracy.
        classes: each class, lowest recall first.
        sizes: objects by size.
        slices: each value of each column, lowest recall first.
        confusion: every pair that occurs, most frequent first; right ones too.
        worst: the pictures with most mistakes, at most 50.
        mistakes: single ones, at most 50: confident wrong predictions, then what was missed.
        gallery: the page that was written; None if none was asked for.
        tagged: pictures that got the tag now; None if none was asked for.
    """

    layer: str
    truth: str
    task: str
    pictures: int
    ap: float | None
    ap50: float | None
    ap75: float | None
    precision: Share
    recall: Share
    classes: Sequence[ClassResult]
    sizes: Sequence[SizeResult]
    slices: Sequence[SliceResult]
    confusion: Sequence[Confusion]
    worst: Sequence[PictureErrors]
    mistakes: Sequence[Mistake]
    gallery: str | None = None
    tagged: int | None = None

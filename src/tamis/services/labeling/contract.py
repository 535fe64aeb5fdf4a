"""What can be asked of labels by the vectors of their pictures, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from tamis.dataset.annotation_layers import check_layer
from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = [
    "PROPAGATED",
    "ClassConflict",
    "ExpectedAccuracy",
    "FindMislabels",
    "MislabelReport",
    "Propagate",
    "PropagatedLabel",
    "PropagationReport",
    "Review",
    "ReviewQueue",
    "Suspect",
    "ToReview",
    "TriedMethod",
]

PROPAGATED = "propagated"
"""The layer that propagation writes."""

Kind: TypeAlias = Literal["sound", "wrong", "ambiguous", "out of class", "duplicate"]

LeastConfidence: TypeAlias = Annotated[
    float,
    Option("A picture gets no label below this probability.", metavar="P", minimum=0, maximum=1),
]


@dataclass(frozen=True, kw_only=True)
class FindMislabels(
    Request["MislabelReport"], verb="label mislabels", writes=True, run="mislabels:mislabels"
):
    """Find labels that are probably wrong, most suspect first."""

    where: Where = None
    top: Annotated[
        int | None,
        Option("Only the most suspect.", metavar="N", minimum=1, default="all suspects"),
    ] = None
    tag: Annotated[str | None, Option("Tag the suspects.", metavar="NAME", default="none")] = None
    fail: Annotated[bool, Option("Exit with 1 if there are suspects.")] = False
    probabilities: Annotated[
        Path | None,
        Option(
            "Your own model's: a table with `path` and a column for each class.",
            metavar="FILE",
            default="judge by the vectors",
        ),
    ] = None
    predictions: Annotated[
        str | None,
        Option(
            "Your own model's, from a layer of classes with confidences.",
            metavar="LAYER",
            default="judge by the vectors",
        ),
    ] = None
    gallery: Annotated[
        Path | None,
        Option(
            "Write a page of the suspects beside pictures of what is suggested.",
            metavar="FILE.html",
        ),
    ] = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        if self.predictions is not None:
            check_layer(self.predictions)
            if self.probabilities is not None:
                raise UsageError("give probabilities or predictions of your model, not both")


@dataclass(frozen=True)
class Suspect:
    """A label that is probably wrong.

    Attributes:
        path: the picture.
        sample_id: its id.
        given: its label.
        suggested: the likeliest other class.
        score: in [0, 1], high is suspect.
        kind: `wrong`; `ambiguous`, where two classes are likely; `out of class`, where none is;
            `duplicate`, where a near-duplicate has another label.
        examples: paths of up to three pictures of the suggested class that are most like it.
        example_ids: their sample ids.
    """

    path: str
    sample_id: str
    given: str
    suggested: str
    score: float
    kind: Kind
    examples: Sequence[str]
    example_ids: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class MislabelReport(Result):
    """Which labels are suspect.

    Attributes:
        suspects: most suspect first.
        checked: how many labels were judged.
        kinds: how many of them are of each kind, sound ones too.
        method: what judged them: of several ways the one that finds labels planted wrong best.
        planted: average precision of each way on labels planted wrong.
        tag: which the suspects have now.
        tagged: how many got it.
        gallery: the page that was written; None if none was asked for.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "suspects"

    suspects: Sequence[Suspect]
    checked: int
    kinds: Mapping[str, int]
    method: str
    planted: Mapping[str, float]
    tag: str | None
    tagged: int
    gallery: str | None = None
    encoder: str


@dataclass(frozen=True, kw_only=True)
class Propagate(Request["PropagationReport"], verb="label propagate", writes=True):
    """Label all pictures from the few that have a label.

    Says how accurate the labels are expected to be. They replace what was in the layer
    `propagated`; the column `label` is not changed.
    """

    where: Where = None
    layer: Annotated[
        str | None,
        Option(
            "Start from the classes of this layer, several a picture.",
            metavar="LAYER",
            default="start from `label`",
        ),
    ] = None
    least_confidence: LeastConfidence = 0.5
    texts: Annotated[
        Literal["auto", "yes", "no"],
        Option("Try the classes' names as texts too; auto does where the encoder reads texts."),
    ] = "auto"
    new_only: Annotated[
        bool,
        Option("Only label pictures without any label yet, by those that have one; quick."),
    ] = False
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        if self.layer is None:
            return
        check_layer(self.layer)
        if self.layer.startswith(PROPAGATED):
            raise UsageError(
                f"{self.layer} was propagated itself; name the layer that holds what you labeled"
            )
        if self.new_only:
            raise UsageError("the labels of a layer are propagated anew each time; leave out new")
        if self.texts == "yes":
            raise UsageError("texts are tried for one class a picture; leave them out with a layer")


@dataclass(frozen=True)
class ExpectedAccuracy:
    """A share of labels that are right, with its 95 % interval; None where nothing tells."""

    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class TriedMethod:
    """A way to label that was tried.

    Attributes:
        method: its name.
        accuracy: on labels held out; None if unmeasured.
        weight: how much it counts in what gave the labels, in [0, 1].
    """

    method: str
    accuracy: ExpectedAccuracy | None
    weight: float


@dataclass(frozen=True)
class ClassConflict:
    """Near-duplicates with different labels, none of which was used: paths and their labels."""

    paths: Sequence[str]
    labels: Sequence[str]


@dataclass(frozen=True)
class PropagatedLabel:
    """How one of several labels a picture was propagated.

    Attributes:
        label: its name.
        pictures: how many got it.
        undecided: of how many it is uncertain.
        precision: how many of those that got it are expected to have it.
        accuracy: how many of all decisions on it are expected to be right.
        recall: share of the held-out pictures with the label that got it; None without any.
        method: what decided.
    """

    label: str
    pictures: int
    undecided: int
    precision: ExpectedAccuracy
    accuracy: ExpectedAccuracy
    recall: float | None
    method: str


@dataclass(frozen=True, kw_only=True, repr=False)
class PropagationReport(Result):
    """What was labeled, and how right it is expected to be.

    Attributes:
        labels: pictures with a label that it started from.
        propagated: pictures that got one.
        abstained: pictures that got none, for no class is likely enough.
        classes: how many pictures got each class.
        expected_accuracy: of the labels given out, measured on labels held out, the choice of the
            methods' weights included.
        measured: how many labels were held out.
        method: what gave the labels: the best of those tried, or a mix of several.
        tried: each with its accuracy on labels held out.
        by_label: where pictures have several labels, what is expected of each.
        conflicts: near-duplicates with different labels.
        layer: where the labels are.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "tried"

    labels: int
    propagated: int
    abstained: int
    classes: Mapping[str, int]
    expected_accuracy: ExpectedAccuracy
    measured: int
    method: str
    tried: Sequence[TriedMethod]
    by_label: Sequence[PropagatedLabel] = ()
    conflicts: Sequence[ClassConflict]
    layer: str
    encoder: str


@dataclass(frozen=True)
class Review(Request["ReviewQueue"], verb="label review"):
    """List the unlabeled pictures to look at first.

    Those come first where a look corrects most errors of propagated labels. Nothing is written.
    """

    number: Annotated[int, Argument("How many.", metavar="N", minimum=1)] = 20
    _: KW_ONLY
    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0


@dataclass(frozen=True)
class ToReview:
    """A picture to look at.

    Attributes:
        path: the picture.
        sample_id: its id.
        suggested: the likeliest class.
        confidence: its probability.
        gain: how many errors a look is expected to settle, with those before it settled.
    """

    path: str
    sample_id: str
    suggested: str
    confidence: float
    gain: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ReviewQueue(Result):
    """What to look at.

    Attributes:
        queue: pictures, first the one whose look settles most.
        unlabeled: how many pictures have no label.
        method: what suggests the classes.
        expected_accuracy: of the suggestions for all pictures without a label.
        encoder: spec of the encoder of the vectors.
    """

    table_of: ClassVar = "queue"

    queue: Sequence[ToReview]
    unlabeled: int
    method: str
    expected_accuracy: ExpectedAccuracy
    encoder: str

"""What can be asked of probes, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from tamis.dataset.annotation_layers import check_layer
from tamis.errors import UsageError
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Seed, Where

__all__ = [
    "ComparedEncoder",
    "ConfusedClasses",
    "ExportProbe",
    "MeasuredClass",
    "MeasuredSlice",
    "PixelComparison",
    "PredictProbe",
    "ProbeFile",
    "ProbePredictions",
    "ProbeTraining",
    "TrainProbe",
]

Name: TypeAlias = Annotated[str, Option("The probe's name.", metavar="NAME")]


@dataclass(frozen=True, kw_only=True)
class TrainProbe(Request["ProbeTraining"], verb="probe train", writes=True):
    """Train a classifier on stored vectors, and measure it."""

    name: Name = "classes"
    where: Where = None
    method: Annotated[
        Literal["auto", "best", "logistic", "prototypes", "neighbors", "network"],
        Option(
            "Which kind; auto goes by the number of labels, best compares all on held-out labels."
        ),
    ] = "auto"
    layer: Annotated[
        str | None,
        Option(
            "Learn the classes of this layer, of which a picture may have several.",
            metavar="LAYER",
            default="learn `label`",
        ),
    ] = None
    column: Annotated[
        str | None,
        Option(
            "Learn the numbers in this column, by ridge regression.",
            metavar="COLUMN",
            default="learn `label`",
        ),
    ] = None
    test_split: Annotated[
        str, Option("Pictures of this split are measured on and never fitted on.", metavar="SPLIT")
    ] = "test"
    folds: Annotated[bool, Option("Cross-validate on the folds of `tamis split --folds`.")] = False
    group: Annotated[
        str | None,
        Option(
            "Pictures with one value here are never both fitted on and measured on.",
            metavar="COLUMN",
            default="near-duplicates",
        ),
    ] = None
    slices: Annotated[
        Sequence[str],
        Option("Report by the values of this column too.", names=("--slice",), metavar="COLUMN"),
    ] = ()
    gallery: Annotated[
        Path | None,
        Option("Write a page of its mistakes, by the classes confused.", metavar="FILE.html"),
    ] = None
    pixels: Annotated[
        bool, Option("Compare with a small network trained on pixels; needs PyTorch.")
    ] = False
    encoder: Annotated[
        Sequence[str],
        Option(
            "Whose vectors to use; those of several are joined, and compared with each alone.",
            metavar="SPEC",
            default="the dataset's default encoder",
        ),
    ] = ()
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.name)
        if self.layer is not None:
            check_layer(self.layer)
        if self.layer is not None and self.column is not None:
            raise UsageError("a probe learns a layer or a column, not both; name one of them")
        if self.column is not None and self.folds:
            raise UsageError("numbers are measured on folds of their own; leave out folds")
        if self.gallery is not None and (self.layer is not None or self.column is not None):
            raise UsageError("the page shows classes confused; leave it out with layer or column")
        if self.pixels and (self.layer is not None or self.column is not None):
            raise UsageError(
                "a network on pixels learns one class a picture; leave it out with a layer or a "
                "column"
            )
        if self.method != "auto" and (self.layer is not None or self.column is not None):
            raise UsageError(
                f"{self.method} learns one class a picture; leave the method out with a layer or "
                "a column"
            )


@dataclass(frozen=True)
class MeasuredClass:
    """How one class is predicted.

    Attributes:
        name: the class.
        pictures: how many measured ones are of it.
        recall: share of them that are predicted as it; None without any.
        precision: share of those predicted as it that are of it; None where none is.
        f1: harmonic mean of both.
        rare: under 1 % of the pictures are of it.
    """

    name: str
    pictures: int
    recall: float | None
    precision: float | None
    f1: float
    rare: bool


@dataclass(frozen=True)
class MeasuredSlice:
    """How pictures with one value in one column are predicted.

    Attributes:
        column: such as `split`, `cluster` or `camera`.
        value: its value.
        pictures: how many.
        accuracy: share predicted rightly.
        low: lower end of its 95 % interval.
        high: upper end.
        gap: accuracy less that of all others.
        p_value: of that difference by chance, times the number of slices compared.
    """

    column: str
    value: str
    pictures: int
    accuracy: float
    low: float
    high: float
    gap: float
    p_value: float


@dataclass(frozen=True)
class ConfusedClasses:
    """How many pictures of one class are predicted as another."""

    label: str
    predicted: str
    pictures: int


@dataclass(frozen=True)
class ComparedEncoder:
    """How well the same labels are learned from other vectors, all on held-out labels.

    Attributes:
        encoder: spec of the encoder; `joined` for all of them beside each other.
        accuracy: share predicted rightly.
        low: lower end of its 95 % interval.
        high: upper end.
        log_loss: mean `-log p(true class)`.
    """

    encoder: str
    accuracy: float
    low: float
    high: float
    log_loss: float


@dataclass(frozen=True)
class PixelComparison:
    """How well a small network trained on pixels does, and the probe on the same pictures.

    Attributes:
        fitted: pictures the network was trained on.
        measured: pictures both were measured on and fitted without.
        accuracy: of the network.
        low: lower end of its 95 % interval.
        high: upper end.
        seconds: that it took.
        probe_accuracy: of the probe.
        probe_low: lower end of its 95 % interval.
        probe_high: upper end.
        probe_seconds: that it took, its own measuring included; the vectors were there.
    """

    fitted: int
    measured: int
    accuracy: float
    low: float
    high: float
    seconds: float
    probe_accuracy: float
    probe_low: float
    probe_high: float
    probe_seconds: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ProbeTraining(Result):
    """What was fitted, and how well it does on labels that it was not fitted on.

    Attributes:
        name: the probe's name.
        learned: `classes` of `label`, `labels` of a layer, or a `number`.
        method: the kind of classifier.
        setting: what cross-validation chose for it.
        tried: mean log loss out of fold of each kind compared; empty where one was asked for.
        labels: pictures fitted on.
        measured: pictures measured on.
        measured_on: `test split`, or `held-out labels`: each by a fit without it.
        accuracy: share of pictures predicted rightly, with several labels all of them; None where
            nothing could be measured, and of numbers.
        low: lower end of its 95 % interval.
        high: upper end.
        balanced_accuracy: mean recall of the classes.
        ece: expected calibration error of the probabilities.
        ece_before: the same before calibration.
        rare_recall: recall of classes under 1 %; None where there are none.
        explained: share of the numbers' variance that is explained (R²); None for classes.
        absolute_error: mean distance to the true number.
        reach: nine in ten new numbers lie within this distance of the prediction.
        classes: lowest recall first.
        confused: classes taken for others, the most frequent first.
        slices: worst first; both splits count here, those fitted on by held-out labels.
        compared: where several encoders are named, each alone and all joined; best first.
        pixels: the same labels learned from pixels; None if that was not asked for.
        encoder: spec of the encoder of the vectors; of several, all of them.
        file: where it is kept, relative to the dataset.
        gallery: the page that was written; None if none was asked for.
    """

    table_of: ClassVar = "classes"

    name: str
    learned: Literal["classes", "labels", "number"]
    method: str
    setting: Mapping[str, float]
    tried: Mapping[str, float]
    labels: int
    measured: int
    measured_on: Literal["test split", "held-out labels"]
    accuracy: float | None
    low: float | None
    high: float | None
    balanced_accuracy: float | None
    ece: float | None
    ece_before: float | None
    rare_recall: float | None
    explained: float | None
    absolute_error: float | None
    reach: float | None
    classes: Sequence[MeasuredClass]
    confused: Sequence[ConfusedClasses]
    slices: Sequence[MeasuredSlice]
    compared: Sequence[ComparedEncoder]
    pixels: PixelComparison | None = None
    encoder: str
    file: str
    gallery: str | None = None


@dataclass(frozen=True, kw_only=True)
class PredictProbe(Request["ProbePredictions"], verb="probe predict", writes=True):
    """Predict classes with a probe, into the layer `probe_NAME`."""

    name: Name = "classes"
    where: Where = None
    least_confidence: Annotated[
        float,
        Option(
            "A picture gets no class below this probability.", metavar="P", minimum=0, maximum=1
        ),
    ] = 0.0

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.name)


@dataclass(frozen=True, kw_only=True, repr=False)
class ProbePredictions(Result):
    """What was predicted.

    Attributes:
        name: the probe's name.
        layer: where the predictions are.
        predicted: pictures with a prediction.
        abstained: pictures of which no class is likely enough.
        classes: how many pictures of each class; empty for numbers.
        encoder: spec of the encoder of the vectors.
    """

    name: str
    layer: str
    predicted: int
    abstained: int
    classes: Mapping[str, int]
    encoder: str


@dataclass(frozen=True, kw_only=True)
class ExportProbe(Request["ProbeFile"], verb="probe export", run="export:export_probe"):
    """Write a probe and its encoder as one ONNX file."""

    name: Name = "classes"
    out: Annotated[Path, Option("The file.", metavar="FILE.onnx")]
    overwrite: Annotated[bool, Option("Replace a file that is there.")] = False

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.name)
        if self.out.suffix.lower() != ".onnx":
            raise UsageError(f"{self.out} must end in .onnx")


@dataclass(frozen=True, kw_only=True, repr=False)
class ProbeFile(Result):
    """A probe as a file.

    Attributes:
        name: the probe's name.
        file: the file.
        bytes: its size.
        classes: names of the classes, in the order of the output `probabilities`.
        inputs: names of its inputs, one for each encoder, and their shapes.
        outputs: names of its outputs and their shapes.
        encoders: specs of the encoders in it.
        worst_difference: the most that an answer of the file differs from the probe's own, on made
            pictures.
    """

    name: str
    file: Path
    bytes: int
    classes: Sequence[str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    encoders: Sequence[str]
    worst_difference: float

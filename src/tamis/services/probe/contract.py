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
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

__all__ = [
    "ExportProbe",
    "MeasuredClass",
    "MeasuredSlice",
    "PredictProbe",
    "ProbeFile",
    "ProbePredictions",
    "ProbeTraining",
    "TrainProbe",
]

Name: TypeAlias = Annotated[str, Option("The probe's name.", metavar="NAME")]


@dataclass(frozen=True, kw_only=True)
class TrainProbe(Request["ProbeTraining"], verb="probe train", writes=True):
    """Fit a classifier of the labels to stored vectors, measure it, and keep it in the dataset."""

    name: Name = "classes"
    where: Where = None
    method: Annotated[
        Literal["auto", "best", "logistic", "prototypes", "neighbors", "network"],
        Option(
            "Which kind; auto goes by the number of labels, best compares all on held-out labels."
        ),
    ] = "auto"
    test_split: Annotated[
        str, Option("Pictures of this split are measured on and never fitted on.", metavar="SPLIT")
    ] = "test"
    encoder: EncoderOfVectors = None
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.name)


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
        column: `split`, `cluster` or `camera`.
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


@dataclass(frozen=True, kw_only=True, repr=False)
class ProbeTraining(Result):
    """What was fitted, and how well it does on labels that it was not fitted on.

    Attributes:
        name: the probe's name.
        method: the kind of classifier.
        setting: what cross-validation chose for it.
        tried: mean log loss out of fold of each kind compared; empty where one was asked for.
        labels: labels fitted on.
        measured: labels measured on.
        measured_on: `test split`, or `held-out labels`: each by a fit without it.
        accuracy: share predicted rightly; None where nothing could be measured.
        low: lower end of its 95 % interval.
        high: upper end.
        balanced_accuracy: mean recall of the classes.
        ece: expected calibration error of the probabilities.
        rare_recall: recall of classes under 1 %; None where there are none.
        classes: lowest recall first.
        slices: worst first; both splits count here, those fitted on by held-out labels.
        encoder: spec of the encoder of the vectors.
        file: where it is kept, relative to the dataset.
    """

    table_of: ClassVar = "classes"

    name: str
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
    rare_recall: float | None
    classes: Sequence[MeasuredClass]
    slices: Sequence[MeasuredSlice]
    encoder: str
    file: str


@dataclass(frozen=True, kw_only=True)
class PredictProbe(Request["ProbePredictions"], verb="probe predict", writes=True):
    """Predict classes of pictures by a probe, into the layer `probe_NAME`."""

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
        predicted: pictures with a predicted class.
        abstained: pictures of which no class is likely enough.
        classes: how many pictures of each class.
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
    """Write a probe and its encoder as one ONNX file that runs without tamis."""

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

"""What a fine-tuning is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from tamis.errors import UsageError
from tamis.types import Failure
from tamis.verbs.request import Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import Seed, Where

__all__ = ["Epoch", "Figure", "FineTuning", "Finetune", "Measured", "Method"]

Method: TypeAlias = Literal[
    "auto", "simclr", "vicreg", "byol", "dino", "densecl", "cutpaste", "distill"
]


@dataclass(frozen=True, kw_only=True)
class Finetune(Request["FineTuning"], verb="finetune", writes=True):
    """Train an encoder on your own pictures, without labels.

    It is kept only if it does better. Pictures of the splits val and test are never trained on.
    Whether training helped is measured on pictures that it did not see; if it did not, the old
    encoder is kept and nothing changes.
    """

    method: Annotated[
        Method,
        Option(
            "What the network learns: cutpaste keeps small local differences, simclr, vicreg, "
            "byol and dino whole pictures, densecl places, distill another encoder's vectors.",
            default="distill with a teacher, cutpaste after defects fit, else simclr",
        ),
    ] = "auto"
    encoder: Annotated[
        str | None,
        Option(
            "The encoder to train: bundled, or one that PyTorch runs.",
            metavar="SPEC",
            default="the dataset's default encoder",
        ),
    ] = None
    teacher: Annotated[
        str | None, Option("Whose vectors to distill into it.", metavar="SPEC", default="none")
    ] = None
    where: Where = None
    train: Annotated[
        Literal["all", "last"], Option("Train all layers, or the last quarter of them.")
    ] = "all"
    lora: Annotated[
        int | None,
        Option(
            "Learn corrections of this rank to linear layers in place of their weights.",
            metavar="RANK",
            minimum=1,
            default="learn the weights",
        ),
    ] = None
    epochs: Annotated[int, Option("The most passes over the pictures.", minimum=1)] = 10
    batch: Annotated[int, Option("Pictures for one step.", metavar="N", minimum=4)] = 32
    side: Annotated[
        int | None,
        Option(
            "Side in pixels of what is trained on; less is faster.",
            metavar="N",
            minimum=16,
            default="128 for a bundled encoder, else what the encoder takes",
        ),
    ] = None
    input: Annotated[
        int | None,
        Option(
            "Side in pixels that the new encoder takes, for a faster one; with distill only.",
            metavar="N",
            minimum=32,
            default="that of the old one",
        ),
    ] = None
    rate: Annotated[
        float | None,
        Option(
            "Learning rate at its highest.",
            metavar="R",
            minimum=1e-7,
            maximum=1,
            default="0.0003, or 0.001 with lora",
        ),
    ] = None
    patience: Annotated[
        int, Option("Epochs without a better signal after which it stops.", minimum=1)
    ] = 3
    pictures: Annotated[
        int, Option("The most pictures to use, drawn at random.", metavar="N", minimum=16)
    ] = 5000
    group: Annotated[
        str | None,
        Option(
            "Pictures with one value here are never told apart, nor on both sides of a comparison.",
            metavar="COLUMN",
            default="near-duplicates and videos",
        ),
    ] = None
    preview: Annotated[
        Path | None,
        Option("Write a sheet of what would be trained on, and stop there.", metavar="FILE.png"),
    ] = None
    out: Annotated[
        Path | None,
        Option("The new encoder's file.", metavar="FILE.onnx", default="in the dataset"),
    ] = None
    device: Annotated[
        str | None,
        Option("Where to train: cpu, cuda, cuda:1, mps.", metavar="DEVICE", default="the best"),
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16"], Option("bfloat16 trains in mixed precision.")
    ] = "float32"
    seed: Seed = 0

    def check(self) -> None:
        """See `Request`."""
        if (self.method == "distill") != (self.teacher is not None) and self.method != "auto":
            raise UsageError(
                "distill needs a teacher: name the encoder whose vectors to learn"
                if self.teacher is None
                else f"a teacher is for distill, not for {self.method}; leave one of them out"
            )
        if self.input is not None and self.teacher is None:
            raise UsageError("input is for distill: name a teacher, or leave it out")
        if self.out is not None and self.out.suffix.lower() != ".onnx":
            raise UsageError(f"{self.out} must end in .onnx")
        if self.preview is not None and self.preview.suffix.lower() != ".png":
            raise UsageError(f"{self.preview} must end in .png")


@dataclass(frozen=True)
class Measured:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """One figure of both encoders, on pictures that were not trained on.

    Attributes:
        name: `knn` and `probe`: share of labels found right; `halves`: how well one half of a
            picture finds the other; `copies`: share of copies nearer than any other picture;
            `flaws`: AUROC of planted flaws; `teacher`: share of the teacher's neighbors found.
        before: of the old encoder.
        after: of the trained one.
        difference: after less before, the interval by a paired bootstrap of groups.
        decides: whether it decides which encoder is kept.
        pictures: measured ones.
    """

    name: str
    before: Measured
    after: Measured
    difference: Measured
    decides: bool
    pictures: int


@dataclass(frozen=True)
class Epoch:
    """What was found after an epoch.

    Attributes:
        epoch: how many are done.
        loss: mean of the epoch; None before the first.
        signal: what decides when to stop; higher is better.
        rank: effective rank of the vectors (RankMe).
    """

    epoch: int
    loss: float | None
    signal: float
    rank: float


@dataclass(frozen=True, kw_only=True, repr=False)
class FineTuning(Result):
    """What came of a training, and which encoder to use.

    Attributes:
        kept: `tuned` or `old`; None where only a sheet was written.
        encoder: spec of the encoder that is kept.
        method: what the network learned.
        why: the decision in one sentence.
        before: figures of the old encoder by name.
        after: figures of the trained one by name.
        figures: both, with intervals of the difference.
        rank_before: effective rank (RankMe) of the old encoder's vectors.
        rank_after: the same of the trained one's.
        trained_on: pictures.
        signal_on: pictures that decided when to stop.
        measured_on: pictures that both were compared on.
        measured_in: `val split`, or `held-out pictures`.
        epochs: what was found after each.
        best: the epoch whose weights were taken.
        stopped: why it ended early; empty if it did not.
        resumed: the epoch at which it went on after an interruption; 0 if there was none.
        facts: what was found of the pictures, by which their changes were chosen.
        licence: terms of the weights that it began with.
        file: the new encoder's file; None if the old one is kept.
        preview: the sheet that was written.
        failed: pictures that could not be read.
        seconds: processor time.
    """

    kept: Literal["tuned", "old"] | None
    encoder: str
    method: str
    why: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    figures: Sequence[Figure]
    rank_before: float | None
    rank_after: float | None
    trained_on: int
    signal_on: int
    measured_on: int
    measured_in: Literal["val split", "held-out pictures"] | None
    epochs: Sequence[Epoch]
    best: int
    stopped: str
    resumed: int
    facts: Mapping[str, float]
    licence: str
    file: str | None
    preview: str | None
    failed: Sequence[Failure]
    seconds: float

"""What a model of nominal pictures and a search for defects are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.shared import Every, Exclude, Seed, Where

if TYPE_CHECKING:
    from tamis.services.defects.result import (  # noqa: F401 - named below
        DefectsExportReport,
        DefectsFitReport,
        DefectsReport,
    )

__all__ = ["LARGEST_SIDE", "DefectsExport", "DefectsFit", "DefectsScore", "Flaw"]

Flaw: TypeAlias = Literal["cutpaste", "scratch", "noise", "blur", "missing"]

LARGEST_SIDE = 1024
"""Pixels of the shorter side at which pictures are looked at, at most, unless told otherwise."""

_MODEL_NAME = "defects"


@dataclass(frozen=True, kw_only=True)
class DefectsFit(Request["DefectsFitReport"], verb="defects fit", writes=True, run="fit:fit"):
    """Fit a model of nominal pictures, for `defects score`.

    Pictures need no vectors. The model, its levels and its smoothing are chosen by flaws that are
    planted on some of the pictures. The threshold is of pictures that were held out.
    """

    where: Where = None
    out: Annotated[
        Path | None, Option("The model's file.", metavar="FILE", default="in the dataset")
    ] = None
    name: Annotated[str, Option("The model's name in the dataset.", metavar="NAME")] = _MODEL_NAME
    onto: Annotated[
        str | None,
        Option(
            "Let this model learn those of the pictures that are new to it, as it was chosen; a "
            "name in the dataset, or a file.",
            metavar="NAME|FILE",
        ),
    ] = None
    encoder: Annotated[
        str | None,
        Option(
            "An encoder with features by place.",
            metavar="SPEC",
            default="the dataset's default encoder",
        ),
    ] = None
    rate: Annotated[
        float,
        Option(
            "Share of nominal pictures that may be called anomalous.",
            metavar="SHARE",
            minimum=0.0001,
            maximum=0.5,
        ),
    ] = 0.05
    shots: Annotated[
        int | None,
        Option("Fit to so many pictures, drawn at random.", metavar="N", minimum=1, default="all"),
    ] = None
    rotations: Annotated[
        bool, Option("Learn each picture turned by 90, 180 and 270 degrees as well.")
    ] = False
    contamination: Annotated[
        float,
        Option(
            "Share of the pictures that may be flawed, unmarked.",
            metavar="SHARE",
            minimum=0,
            maximum=0.45,
        ),
    ] = 0.0
    group: Annotated[
        str | None,
        Option(
            "A column that tells which pictures show one part; they are held out together.",
            metavar="COLUMN",
            default="duplicates",
        ),
    ] = None
    side: Annotated[
        int | None,
        Option(
            "Pixels of the shorter side at which pictures are looked at.",
            metavar="PIXELS",
            minimum=32,
            default="their own or twice that, what finds more",
        ),
    ] = None
    model: Annotated[
        Literal["auto", "bank", "residual"],
        Option("A memory bank, the residual of a PCA, or the better one."),
    ] = "auto"
    levels: Annotated[
        Sequence[str],
        Option(
            "A level of the encoder's features; repeat it to join several.",
            names=("--level",),
            metavar="LEVEL",
            default="the best of some",
        ),
    ] = ()
    bank: Annotated[
        int, Option("Patches that a memory bank holds at most.", metavar="N", minimum=10)
    ] = 1000
    flaws: Annotated[
        Sequence[Flaw],
        Option(
            "A kind of flaw to plant: cutpaste, scratch, noise, blur, missing.",
            names=("--flaw",),
            metavar="KIND",
            default="all",
        ),
    ] = ()
    seed: Seed = 0

    def check(self) -> None:
        """Refuse to choose anew what a model that learns more has chosen."""
        chosen = (self.encoder, self.side, self.shots, *self.levels, *self.flaws)
        if self.onto is not None and (any(chosen) or self.model != "auto"):
            raise UsageError(
                "a model that learns more pictures keeps its encoder, side, levels and model, and "
                "learns all of them; leave these and the flaws out, or fit a new model"
            )


@dataclass(frozen=True)
class DefectsScore(Request["DefectsReport"], verb="defects score", writes=True, run="score:score"):
    """Score pictures, and show where they differ from nominal ones.

    Pictures are those of folders, archives and videos, which are not added, or rows of the dataset,
    whose regions become a layer of annotations.
    """

    sources: Annotated[
        Sequence[str],
        Argument("New pictures: folders, globs, archives or videos.", metavar="SOURCE"),
    ] = ()
    _: KW_ONLY
    model: Annotated[
        str,
        Option("A model's name in the dataset, or its file.", metavar="NAME|FILE"),
    ] = _MODEL_NAME
    where: Annotated[
        str | None, Option("Rows of the dataset that meet this SQL condition.", metavar="SQL")
    ] = None
    tag: Annotated[str | None, Option("Rows with this tag.", metavar="TAG")] = None
    new: Annotated[
        bool, Option("Rows that the model was not fitted to and that the layer does not have.")
    ] = False
    batch: Annotated[
        bool, Option("Let the pictures score each other, without a model of nominal ones.")
    ] = False
    every: Every = None
    exclude: Exclude = ()
    threshold: Annotated[
        float | None,
        Option(
            "Scores above it are anomalous.", metavar="SCORE", default="the model's; 5 in a batch"
        ),
    ] = None
    layer: Annotated[
        str, Option("The layer that regions of rows are written to.", metavar="NAME")
    ] = "defects"
    maps: Annotated[
        Path | None,
        Option("A folder for the pictures with their heat-maps.", metavar="FOLDER"),
    ] = None
    gallery: Annotated[
        Path | None, Option("Also write a page of the pictures, worst first.", metavar="FILE")
    ] = None
    truth: Annotated[
        str | None,
        Option(
            "A layer with the true boxes, polygons or masks: rows are compared with it.",
            metavar="LAYER",
        ),
    ] = None
    masks: Annotated[
        Path | None,
        Option(
            "A folder with a true mask for each flawed picture, of the same name.",
            metavar="FOLDER",
        ),
    ] = None
    fail: Annotated[bool, Option("Exit with 1 if a picture is anomalous.")] = False

    def check(self) -> None:
        """Refuse a score of nothing, or of pictures from two places."""
        of_rows = self.where is not None or self.tag is not None or self.new
        if self.sources and of_rows:
            raise UsageError(
                "new pictures and rows of the dataset were both given: score one, then the other"
            )
        if not self.sources and not of_rows:
            raise UsageError(
                "nothing to score: name a folder, an archive or a video, or rows of the dataset "
                "(where, tag, new)"
            )
        if (self.every is not None or self.exclude) and not self.sources:
            raise UsageError("every and exclude are of new pictures: name their source")
        if self.truth is not None and self.sources:
            raise UsageError("a layer of the truth is of rows of the dataset: score those")
        if self.truth is not None and self.masks is not None:
            raise UsageError("give the truth once: as a layer (truth) or as masks")


@dataclass(frozen=True)
class DefectsExport(Request["DefectsExportReport"], verb="defects export", run="export:export"):
    """Write a model with its encoder as one ONNX graph.

    The graph scores pictures of one size.

    Its scores, verdicts and heat-maps are those of `defects score`.
    """

    out: Annotated[Path, Argument("The file, NAME.onnx.", metavar="FILE")]
    _: KW_ONLY
    size: Annotated[
        tuple[int, int],
        Option("Width and height of the pictures, in pixels.", metavar="WIDTH,HEIGHT"),
    ]
    model: Annotated[
        str,
        Option("A model's name in the dataset, or its file.", metavar="NAME|FILE"),
    ] = _MODEL_NAME

    def check(self) -> None:
        """Refuse a size of nothing, and a file that no runtime would take for a graph."""
        if min(self.size) < 1:
            raise UsageError(f"a picture of {self.size[0]} x {self.size[1]} pixels is none")
        if self.out.suffix != ".onnx":
            raise UsageError(f"{self.out} must end in .onnx")

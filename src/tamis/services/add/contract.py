"""What can be added to a dataset, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, TypeAlias

from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.errors import UsageError
from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import (
    Address,
    Every,
    Exclude,
    LabelLevel,
    Labels,
    Processes,
    Runner,
    Sources,
    Threads,
    Where,
    check_runner,
)

__all__ = ["Add", "AddCrops", "AddReport", "AddTiles", "CropObjects", "PartsReport"]

MinBox: TypeAlias = Annotated[
    int, Option("Skip boxes with a shorter side.", metavar="PIXELS", minimum=1)
]


@dataclass(frozen=True)
class Add(Request["AddReport"], verb="add", writes=True, creates=True):
    """Add pictures and video frames; nothing is added twice.

    With new-only, whatever is similar to a sample of the dataset is skipped, judged by the vectors
    of an encoder, and what is added gets its vector at once.
    """

    sources: Sources
    _: KW_ONLY
    labels: Labels = "none"
    label_level: LabelLevel = None
    exclude: Exclude = ()
    every: Every = None
    new_only: Annotated[
        bool,
        Option(
            "Add only what is unlike all that is in the dataset by its vector, so neither copies "
            "nor other pictures that are much the same; of videos every frame is looked at, "
            "unless --every says else."
        ),
    ] = False
    threshold: Annotated[
        float | None,
        Option(
            "Cosine similarity from which new-only skips a picture.",
            metavar="COSINE",
            minimum=-1,
            maximum=1,
            default="0.92",
        ),
    ] = None
    embed: Annotated[
        bool, Option("Also compute vectors of what is new, from the same decoding.")
    ] = False
    encoder: Annotated[str, Option("The encoder of embed and new-only.", metavar="SPEC")] = (
        "default"
    )
    later_keys: Annotated[
        bool,
        Option(
            "Of each folder at an object store, list only the keys that sort behind the last one "
            "in the dataset: for buckets whose names grow with time."
        ),
    ] = False
    crops: Annotated[
        str | None,
        Option("Also add the boxes of a COCO, VOC or YOLO dataset.", metavar="FILE|DIR"),
    ] = None
    min_box: MinBox = 8
    tiles: Annotated[
        int | None,
        Option("Also add N x N tiles of each picture.", metavar="N", minimum=2, maximum=16),
    ] = None
    threads: Threads = None
    runner: Runner = "local"
    address: Address = None
    processes: Processes = None

    def check(self) -> None:
        """Refuse a threshold that nothing is compared by, and a cluster that has nothing to do."""
        check_runner(self.runner, self.address, processes=self.processes)
        if self.runner == "ray" and self.new_only:
            raise UsageError(
                "what is new is found one picture after the other, which a cluster cannot do"
            )
        if self.runner == "ray" and self.embed:
            raise UsageError(
                "a cluster embeds in a step of its own; leave embed out and run  tamis embed  "
                "--runner ray  afterwards"
            )
        if self.threshold is not None and not self.new_only:
            raise UsageError("a threshold says what counts as new: ask for new only as well")


@dataclass(frozen=True)
class AddCrops(Request["PartsReport"], verb="add crops", run="parts:add_crops"):
    """Add the boxes of a detection dataset as samples, linked to pictures that are there."""

    annotations: Annotated[
        str,
        Argument(
            "A COCO file, a folder of Pascal VOC files, or a YOLO dataset.", metavar="FILE|DIR"
        ),
    ]
    _: KW_ONLY
    min_box: MinBox = 8


@dataclass(frozen=True)
class CropObjects(Request["PartsReport"], verb="label crops", run="parts:crop_objects"):
    """Add the objects of a layer as samples of their own.

    They can be embedded, searched and selected. A crop follows its object: when that is moved,
    renamed or removed, so is the crop.
    """

    _: KW_ONLY
    layer: Annotated[str, Option("The layer.", metavar="L")] = TRUTH
    where: Where = None
    objects: Annotated[
        str | None,
        Option("Only objects that meet an SQL condition on annotations.", metavar="SQL"),
    ] = None
    min_box: MinBox = 8

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)


@dataclass(frozen=True)
class AddTiles(Request["PartsReport"], verb="add tiles", run="parts:add_tiles"):
    """Add overlapping tiles of pictures as samples, for small things.

    Neighboring tiles share a fifth, so that what one cuts another shows whole.
    """

    count: Annotated[
        int, Argument("Tiles along each side.", metavar="N", minimum=2, maximum=16)
    ] = 3
    _: KW_ONLY
    where: Where = None
    sources: Annotated[
        Sequence[str] | None,
        Option("Only pictures that lie in these.", metavar="SOURCE", default="all"),
    ] = None


@dataclass(frozen=True, kw_only=True, repr=False)
class PartsReport(Result):
    """What became of boxes or tiles.

    Attributes:
        added: new samples.
        known: parts that the dataset held already.
        small: boxes that were left out for their size.
        pictures: pictures that have any.
        failed: boxes, files of boxes or pictures that could not be used, with their reasons.
        repeated: boxes that are there twice, of one picture, category and place: one sample each.
    """

    added: int
    known: int
    small: int
    pictures: int
    failed: Sequence[Failure] = ()
    repeated: int = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class AddReport(Result):
    """What became of the sources.

    Attributes:
        added: new samples.
        known: pictures that the dataset held already.
        failed: pictures, archives or folders that could not be read, in the sources' order.
        labeled: rows of the label table that are of a picture seen here; None without a table.
        label_rows: rows of the label table; None without a table.
        unlabeled: pictures seen here that got nothing from the table; None without a table.
        label_level: which folders gave labels; None where none did.
        frames: of the new samples, those that are frames of videos.
        videos: videos that frames were taken of.
        videos_passed_over: videos in folders, of which frames are taken only if asked for.
        covered: pictures and frames left out since one that is kept is as similar; None unless
            only what is new was added.
        skipped: of these, frames that were told by their pixels, without the encoder.
        embedded: pictures that got a vector from the decoding that measured them; None unless
            that was asked for.
        encoder: the encoder that told what is new, or embedded.
        threshold: cosine similarity from which one covers another.
        unseen: samples of the dataset that have no vector of this encoder and so cover nothing.
        crops: what became of the boxes, if they were asked for.
        tiles: what became of the tiles, if they were asked for.
    """

    added: int
    known: int
    failed: Sequence[Failure] = ()
    labeled: int | None = None
    label_rows: int | None = None
    unlabeled: int | None = None
    label_level: int | None = None
    frames: int = 0
    videos: int = 0
    videos_passed_over: int = 0
    covered: int | None = None
    skipped: int | None = None
    embedded: int | None = None
    encoder: str | None = None
    threshold: float | None = None
    unseen: int | None = None
    crops: PartsReport | None = None
    tiles: PartsReport | None = None

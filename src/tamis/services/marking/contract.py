"""What can be asked of tags and boxes, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import AllPictures, Ids, Where, require_pictures

__all__ = ["BoxesReport", "SetBoxes", "TagPictures", "TaggedReport", "UntagPictures"]


@dataclass(frozen=True)
class TagPictures(Request["TaggedReport"], verb="label tag", writes=True, run="run:tag_pictures"):
    """Add a tag to pictures; their other tags stay."""

    name: Annotated[str, Argument("The tag.", metavar="TAG")]
    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False

    def check(self) -> None:
        """See `Request`."""
        if not self.name.strip() or self.name != self.name.strip():
            raise UsageError(f"{self.name!r} cannot be a tag; give a word without spaces around it")
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True)
class UntagPictures(
    Request["TaggedReport"], verb="label untag", writes=True, run="run:untag_pictures"
):
    """Remove a tag from pictures; their other tags stay."""

    name: Annotated[str, Argument("The tag.", metavar="TAG")]
    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False

    def check(self) -> None:
        """See `Request`."""
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True, kw_only=True, repr=False)
class TaggedReport(Result):
    """What a tag was given to or taken from.

    Attributes:
        tag: the tag.
        pictures: how many pictures were asked for.
        changed: how many of them did not have it before, or do not have it any more.
    """

    tag: str
    pictures: int
    changed: int


@dataclass(frozen=True)
class SetBoxes(Request["BoxesReport"], verb="label boxes", writes=True, run="run:set_boxes"):
    """Replace the boxes that a picture has in a layer.

    Boxes and classes go together by their order. Outlines, masks and keypoints stay as they are.
    """

    sample: Annotated[str, Argument("The picture's sample id.", metavar="ID")]
    _: KW_ONLY
    box: Annotated[
        Sequence[tuple[float, float, float, float]],
        Option("A box in pixels of the upright picture.", metavar="X,Y,W,H", default="none"),
    ] = ()
    label: Annotated[
        Sequence[str], Option("The class of the box at the same place.", metavar="CLASS")
    ] = ()
    layer: Annotated[str, Option("The layer.", metavar="L")] = TRUTH
    author: Annotated[str | None, Option("Who made the change.", metavar="NAME")] = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        if len(self.box) != len(self.label):
            raise UsageError(
                f"{len(self.box)} boxes but {len(self.label)} classes; give one --label for each "
                "--box"
            )
        if any(not name.strip() for name in self.label):
            raise UsageError("a box needs a class; give its name with --label")
        for x, y, width, height in self.box:
            if min(width, height) <= 0:
                raise UsageError(
                    f"the box {x:g},{y:g},{width:g},{height:g} has no area; give X,Y,W,H with W "
                    "and H above 0"
                )


@dataclass(frozen=True, kw_only=True, repr=False)
class BoxesReport(Result):
    """Which boxes a picture has now.

    Attributes:
        sample: the picture's sample id.
        layer: the layer.
        boxes: how many boxes it has there now.
        removed: how many of the boxes that it had are not among them.
        added: how many of them it did not have.
    """

    sample: str
    layer: str
    boxes: int
    removed: int
    added: int

"""How annotations can be edited, and what became of them and their crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, TypeAlias

from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.errors import UsageError
from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result

__all__ = [
    "BoxesReport",
    "EditAnnotation",
    "EditReport",
    "RemoveAnnotations",
    "RemoveReport",
    "RenameClass",
    "RenameReport",
    "SetBoxes",
]

Author: TypeAlias = Annotated[str | None, Option("Who made the change.", metavar="NAME")]
InLayer: TypeAlias = Annotated[str, Option("The layer.", metavar="L")]


@dataclass(frozen=True)
class EditAnnotation(Request["EditReport"], verb="label edit", writes=True, run="run:edit"):
    """Move an object, or change an annotation's class; its id stays.

    Outlines and keypoints move and stretch with the box. A crop of the object is cut anew, and
    `tamis embed` makes its vector.
    """

    annotation_id: Annotated[str, Argument("The annotation.", metavar="ID")]
    _: KW_ONLY
    box: Annotated[
        tuple[float, float, float, float] | None,
        Option("Where it lies now, in pixels of the upright picture.", metavar="X,Y,W,H"),
    ] = None
    label: Annotated[str | None, Option("Its class now.", metavar="CLASS")] = None
    author: Author = None

    def check(self) -> None:
        """See `Request`."""
        if self.box is None and self.label is None:
            raise UsageError("nothing to change: give a box, a label (class), or both")
        if self.label is not None and not self.label.strip():
            raise UsageError("a class needs a name; to take the annotation away remove it")


@dataclass(frozen=True, kw_only=True, repr=False)
class EditReport(Result):
    """What an annotation is now.

    Attributes:
        annotation_id: its id.
        layer: its layer.
        path: of its picture.
        label: its class.
        box: x, y, width and height of its object; None of what has no place.
        changed: whether it was anything else before.
        crops: crops of the object that were cut anew or renamed.
        failed: pictures that a crop could not be cut from, with the reasons.
    """

    annotation_id: str
    layer: str
    path: str
    label: str | None
    box: tuple[float, float, float, float] | None
    changed: bool
    crops: int
    failed: Sequence[Failure] = ()


@dataclass(frozen=True)
class RemoveAnnotations(
    Request["RemoveReport"], verb="label remove", writes=True, run="run:remove"
):
    """Remove annotations, and the crops of their objects."""

    annotation_ids: Annotated[Sequence[str], Argument("The annotations.", metavar="ID")] = ()
    _: KW_ONLY
    where: Annotated[
        str | None,
        Option("Those that meet an SQL condition on annotations.", metavar="SQL"),
    ] = None
    layer: Annotated[str | None, Option("Only those of this layer.", metavar="L")] = None

    def check(self) -> None:
        """See `Request`."""
        if self.layer is not None:
            check_layer(self.layer)
        if not self.annotation_ids and self.where is None:
            raise UsageError("name annotations: their ids, or --where SQL with --layer L")
        if self.where is not None and self.layer is None:
            raise UsageError("a condition is met in every layer: say which one with --layer L")


@dataclass(frozen=True, kw_only=True, repr=False)
class RemoveReport(Result):
    """What is gone.

    Attributes:
        removed: annotations.
        pictures: pictures that they were of.
        crops: crops of their objects.
    """

    removed: int
    pictures: int
    crops: int


@dataclass(frozen=True)
class RenameClass(Request["RenameReport"], verb="label rename", writes=True, run="run:rename"):
    """Rename a class of a layer, or merge it into another class."""

    old: Annotated[str, Argument("The class.", metavar="CLASS")]
    new: Annotated[str, Argument("What it is called from now on.", metavar="NAME")]
    _: KW_ONLY
    layer: InLayer = TRUTH
    author: Author = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        if not self.new.strip():
            raise UsageError("a class needs a name")
        if self.old == self.new:
            raise UsageError(f"{self.old!r} is called so already; give another name")


@dataclass(frozen=True, kw_only=True, repr=False)
class RenameReport(Result):
    """What has the new name.

    Attributes:
        annotations: how many annotations.
        labels: how many pictures whose `label` it is.
        crops: how many crops.
    """

    annotations: int
    labels: int
    crops: int


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
    layer: InLayer = TRUTH
    add: Annotated[bool, Option("Add them to the boxes that it has, whoever made those.")] = False
    author: Author = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        if len(self.box) != len(self.label):
            raise UsageError(
                f"{len(self.box)} boxes but {len(self.label)} classes; give one --label for each "
                "--box"
            )
        if self.add and not self.box:
            raise UsageError("there is nothing to add: give a box and its class")
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

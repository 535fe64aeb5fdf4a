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
    "DrawAnnotation",
    "EditAnnotation",
    "EditReport",
    "InterpolateBoxes",
    "InterpolateReport",
    "RemoveAnnotations",
    "RemoveReport",
    "RenameClass",
    "RenameReport",
    "SetBoxes",
]

Author: TypeAlias = Annotated[str | None, Option("Who made the change.", metavar="NAME")]
InLayer: TypeAlias = Annotated[str, Option("The layer.", metavar="L")]
Rings: TypeAlias = Annotated[
    Sequence[tuple[float, ...]],
    Option(
        "Its outline, a ring each, in pixels of the upright picture.",
        metavar="X,Y,X,Y,...",
        default="none",
    ),
]
Mask: TypeAlias = Annotated[
    str | None, Option("Run lengths of its mask as COCO writes them.", metavar="CODE")
]

_POINT = 2
_LEAST_POINTS = 3
_CORNERS = 4


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
    outline: Rings = ()
    mask: Mask = None
    unchanged_since: Annotated[
        str | None,
        Option("Refuse if its `time` is another one by now.", metavar="TIME"),
    ] = None

    def check(self) -> None:
        """See `Request`."""
        shapes = [self.box is not None, bool(self.outline), self.mask is not None]
        if not any(shapes) and self.label is None:
            raise UsageError("nothing to change: give a box, an outline, a mask or a label (class)")
        if sum(shapes) > 1:
            raise UsageError("give one of box, outline and mask; the others follow it")
        for ring in self.outline:
            check_ring(ring)
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
        time: when it was last changed, in ISO 8601; `unchanged_since` takes it.
    """

    annotation_id: str
    layer: str
    path: str
    label: str | None
    box: tuple[float, float, float, float] | None
    changed: bool
    crops: int
    failed: Sequence[Failure] = ()
    time: str = ""


@dataclass(frozen=True)
class DrawAnnotation(Request["EditReport"], verb="label draw", writes=True, run="run:draw"):
    """Add an object to a picture: a box, a polygon, a rotated box or a mask.

    Nothing that is there is touched.
    """

    sample: Annotated[str, Argument("The picture's sample id.", metavar="ID")]
    label: Annotated[str, Argument("The object's class.", metavar="CLASS")]
    _: KW_ONLY
    box: Annotated[
        tuple[float, float, float, float] | None,
        Option("A box in pixels of the upright picture.", metavar="X,Y,W,H"),
    ] = None
    outline: Rings = ()
    rotated: Annotated[
        bool, Option("The outline has the four corners of a rotated box, in turn.")
    ] = False
    mask: Mask = None
    layer: InLayer = TRUTH
    author: Author = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        if sum([self.box is not None, bool(self.outline), self.mask is not None]) != 1:
            raise UsageError("give a box, an outline or a mask, one of the three")
        if not self.label.strip():
            raise UsageError("an object needs a class; give its name")
        for ring in self.outline:
            check_ring(ring)
        corners = [len(ring) // _POINT for ring in self.outline]
        if self.rotated and corners != [_CORNERS]:
            raise UsageError(
                f"a rotated box has one outline of 4 corners, not {corners}; leave rotated out for "
                "a polygon"
            )


def check_ring(ring: Sequence[float]) -> None:
    """Refuse numbers that are no ring of points.

    Raises:
        UsageError: a point lacks its second number, or there are fewer than three.
    """
    if len(ring) % _POINT or len(ring) < _POINT * _LEAST_POINTS:
        raise UsageError(
            f"an outline has {len(ring)} numbers; give x and y of at least 3 points, in turn"
        )


@dataclass(frozen=True)
class InterpolateBoxes(
    Request["InterpolateReport"],
    verb="label interpolate",
    writes=True,
    run="interpolate:interpolate",
):
    """Give frames of a video the boxes between those of key frames.

    Between one key frame and the next a box moves and grows evenly with the frame number. Boxes
    that were made so before, and that nobody changed since, are made anew. Key frames of an object
    are remembered; later one of its boxes names them all.
    """

    annotation_ids: Annotated[
        Sequence[str],
        Argument("Boxes of one object in key frames of one video.", metavar="ID"),
    ]
    _: KW_ONLY
    author: Author = None

    def check(self) -> None:
        """See `Request`."""
        if not self.annotation_ids:
            raise UsageError("give the boxes of key frames, by their annotation ids")


@dataclass(frozen=True, kw_only=True, repr=False)
class InterpolateReport(Result):
    """Which boxes lie between key frames now.

    Attributes:
        track: what the boxes of the object have in common, the attribute `track`.
        keys: key frames of it.
        added: boxes that were added between them.
        removed: boxes of an earlier interpolation that were removed first.
    """

    track: str
    keys: int
    added: int
    removed: int


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

"""What can be asked of annotations, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from tamis.dataset.annotation_layers import TRUTH, AnnotationKind, check_layer
from tamis.errors import UsageError
from tamis.types import Failure
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result
from tamis.verbs.shared import AllPictures, Ids, Where, require_pictures

__all__ = [
    "ClearLabels",
    "ClearReport",
    "Import",
    "ImportReport",
    "LabelImport",
    "Layer",
    "LayersReport",
    "ListLayers",
    "SetLabel",
    "SetReport",
]

InLayer: TypeAlias = Annotated[
    str,
    Option("The layer; `truth` holds the classes that `label` of the samples shows.", metavar="L"),
]


@dataclass(frozen=True)
class Import(Request["ImportReport"], verb="import", writes=True, run="run:import_annotations"):
    """Import annotations of the dataset's pictures into a layer.

    The pictures must be in the dataset already. Annotations that the layer has are not added twice,
    and no other layer is changed.
    """

    format: Annotated[
        Literal[
            "auto",
            "coco",
            "yolo",
            "voc",
            "cvat",
            "labelme",
            "labelstudio",
            "fiftyone",
            "imagefolder",
            "huggingface",
            "webdataset",
            "yolo-classify",
            "csv",
            "parquet",
            "folder",
        ],
        Argument("The format; `auto` detects it.", metavar="FORMAT"),
    ]
    path: Annotated[Path, Argument("The file or folder of annotations.", metavar="PATH")]
    _: KW_ONLY
    layer: InLayer = TRUTH
    replace: Annotated[bool, Option("First remove everything from the layer.")] = False
    reference: Annotated[
        Path | None,
        Option("The COCO file that defines the ids in a file of results.", metavar="FILE"),
    ] = None
    field: Annotated[
        str | None,
        Option(
            "FiftyOne's field; Label Studio: `predictions`; table: its source.",
            metavar="NAME",
            default="ground_truth, annotations",
        ),
    ] = None
    author: Annotated[str | None, Option("Who made the annotations.", metavar="NAME")] = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)


@dataclass(frozen=True)
class LabelImport(Import, verb="label import", writes=True, run="run:import_annotations"):
    """Import annotations into a layer; the same as `import`."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ImportReport(Result):
    """What an import did.

    Attributes:
        layer: the layer.
        imported: new annotations.
        known: annotations that the layer had.
        removed: annotations that were removed first.
        pictures: pictures that the file speaks of.
        kinds: how many annotations of each kind it has.
        failed: files and entries that could not be used, each with its reason.
    """

    layer: str
    imported: int
    known: int
    removed: int
    pictures: int
    kinds: Mapping[str, int]
    failed: Sequence[Failure]


@dataclass(frozen=True)
class SetLabel(Request["SetReport"], verb="label set", writes=True, run="run:set_label"):
    """Set the class of pictures in a layer, replacing any before.

    With add, earlier classes stay and pictures have several; `label` shows the first.
    """

    label: Annotated[str, Argument("The class.", metavar="CLASS")]
    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False
    layer: InLayer = TRUTH
    author: Annotated[str | None, Option("Who made the change.", metavar="NAME")] = None
    add: Annotated[bool, Option("Keep the classes that pictures have in the layer.")] = False

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        if not self.label.strip():
            raise UsageError("a class needs a name; to take one away use  tamis label clear")
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True, kw_only=True, repr=False)
class SetReport(Result):
    """What a class was given to.

    Attributes:
        label: the class.
        layer: the layer.
        pictures: how many pictures have it now that were asked for.
        changed: how many of them had another or none.
    """

    label: str
    layer: str
    pictures: int
    changed: int


@dataclass(frozen=True)
class ClearLabels(Request["ClearReport"], verb="label clear", writes=True, run="run:clear_labels"):
    """Remove a layer's annotations from some or all pictures."""

    _: KW_ONLY
    where: Where = None
    ids: Ids = None
    all: AllPictures = False
    layer: InLayer = TRUTH
    kind: Annotated[
        AnnotationKind | None,
        Option("Only annotations of this kind.", default="all kinds"),
    ] = None

    def check(self) -> None:
        """See `Request`."""
        check_layer(self.layer)
        require_pictures(self.where, self.ids, every=self.all)


@dataclass(frozen=True, kw_only=True, repr=False)
class ClearReport(Result):
    """What was removed.

    Attributes:
        layer: the layer.
        pictures: how many pictures were asked for.
        removed: annotations that are gone.
        labels: pictures whose `label` is empty now.
    """

    layer: str
    pictures: int
    removed: int
    labels: int


@dataclass(frozen=True)
class Layer:
    """One layer of annotations.

    Attributes:
        name: its name.
        annotations: how many it has.
        pictures: how many pictures have one.
        kinds: how many of each kind.
        classes: how many of each class, most frequent first.
    """

    name: str
    annotations: int
    pictures: int
    kinds: Mapping[str, int]
    classes: Mapping[str, int]


@dataclass(frozen=True)
class ListLayers(Request["LayersReport"], verb="label layers", run="run:list_layers"):
    """List the layers of annotations."""


@dataclass(frozen=True, kw_only=True, repr=False)
class LayersReport(Result):
    """The layers, by name.

    Attributes:
        layers: the layers.
    """

    layers: Sequence[Layer]

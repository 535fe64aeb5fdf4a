"""A picture with its annotations on the way to a file of another tool."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "AnnotatedPicture",
    "AnnotationFormat",
    "AnnotationWriter",
    "Exported",
    "Losses",
    "class_numbers",
]


@dataclass(frozen=True)
class AnnotatedPicture:
    """What a format writes of one picture.

    Attributes:
        sample_id: its sample.
        name: its file's name, whose stem no other picture of the export has.
        subset: the split, as a folder's name; empty if there are no splits.
        width: of the upright picture, in pixels.
        height: likewise.
        label: its class in the layer, the likeliest of several.
        rows: its annotations, as rows of the table; columns that are null throughout may lack.
    """

    sample_id: str
    name: str
    subset: str
    width: int
    height: int
    label: str | None = None
    rows: Sequence[Mapping[str, Any]] = ()


class Losses:
    """Counts what a format cannot hold."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, kind: str, fate: str = "left out") -> None:
        """Count one annotation of a kind and what became of it."""
        self._counts[kind, fate] += 1

    def sentences(self, format_name: str) -> tuple[str, ...]:
        """Return one sentence a kind of loss."""
        return tuple(
            f"{format_name} cannot hold all: {count} of kind {kind} {fate}"
            for (kind, fate), count in sorted(self._counts.items())
        )


@dataclass(frozen=True)
class Exported:
    """The whole of an export.

    Attributes:
        layer: whose annotations.
        subsets: the splits, in order; one empty name if there are none.
        classes: the number of each class, ascending.
        kinds: the kinds of annotations that there are.
        columns: the columns that are not empty throughout.
        one_class: whether each picture has one class at most, and none a confidence.
        points: how many keypoints an object has at most.
        pictures: the pictures without annotations, in the order of the others.
        annotated: the pictures one by one, each with its annotations.
        content: a picture's file, or None and a failure if it cannot be read.
        losses: what the format cannot hold.
    """

    layer: str
    subsets: Sequence[str]
    classes: Mapping[str, int]
    kinds: frozenset[str]
    columns: frozenset[str]
    one_class: bool
    points: int
    pictures: Sequence[AnnotatedPicture]
    annotated: Iterable[AnnotatedPicture]
    content: Callable[[AnnotatedPicture], bytes | None]
    losses: Losses = field(default_factory=Losses)


class AnnotationWriter(Protocol):
    """One format to write."""

    def picture_place(self, picture: AnnotatedPicture) -> str | None:
        """Return where a picture's file goes, below the export's folder; None if it stays out."""

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """Write the annotations, and return the files below `folder` that were written."""


@dataclass(frozen=True)
class AnnotationFormat:
    """How pictures with annotations are written in one format.

    Attributes:
        writer: makes a writer for one export.
        packs_pictures: its files hold the pictures, so that these are neither linked nor left out.
        is_folders: folders are all that there is of annotations, so that pictures must go along.
        dots_in_names: whether a picture's name may have a dot before its ending.
    """

    writer: Callable[[], AnnotationWriter]
    packs_pictures: bool = False
    is_folders: bool = False
    dots_in_names: bool = True


def class_numbers(labels: Iterable[str], known: Mapping[str, Any], first: int) -> dict[str, int]:
    """Number classes by name, or as their source did if it gave each a number of its own.

    >>> class_numbers(["dog", "cat"], {}, 1)
    {'cat': 1, 'dog': 2}
    >>> class_numbers(["dog", "cat"], {"dog": 17, "cat": 18}, 1)
    {'dog': 17, 'cat': 18}
    """
    names = sorted(set(labels))
    numbers = [known.get(name) for name in names]
    if all(type(number) is int for number in numbers) and len(set(numbers)) == len(numbers):
        pairs = zip(names, numbers, strict=True)
        return dict(sorted(((name, int(n or 0)) for name, n in pairs), key=lambda pair: pair[1]))
    return {name: number for number, name in enumerate(names, start=first)}

"""COCO files: instances, keypoints, captions, and lists of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.algo.run_lengths import box_of_counts, read_counts
from tamis.errors import InputError
from tamis.formats.annotations.coco_ids import CocoIds
from tamis.formats.annotations.json_members import open_json, read_members
from tamis.formats.annotations.plain_boxes import PlainBoxes
from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.annotation_layers import AnnotationKind
    from tamis.formats.annotations.source_annotation import Said

__all__ = ["read_coco"]


def read_coco(
    file: Path, *, outlines: bool = True, reference: Path | None = None
) -> Iterator[Said]:
    """Read a COCO file, annotation by annotation.

    An id may be a number in one place and the same number as a text in another. An id that two
    pictures or two categories have says nothing, and what has it is listed as a failure.

    The file is read twice: for pictures and categories, which may stand behind the annotations, and
    for these. Memory: the pictures' names, and one annotation at a time.

    Args:
        file: a file with images, categories and annotations, or a list of results.
        outlines: whether to keep segmentations.
        reference: the file whose images and categories the ids of results mean.

    Raises:
        InputError: it is no COCO file; raised where the reading has come so far.
    """
    with _coco_errors(file):
        is_results = _is_list(file)
    if is_results and reference is None:
        raise InputError(
            f"{file} is a list of results: name the COCO file whose ids it uses as its reference"
        )
    described = file if reference is None or not is_results else reference
    with _coco_errors(described):
        pictures, labels = _described(described)
    with _coco_errors(file):
        yield from _said(file, pictures, labels, outlines=outlines)


def _said(file: Path, pictures: CocoIds, labels: CocoIds, *, outlines: bool) -> Iterator[Said]:
    """Yield what a file says, plain boxes together where they follow each other."""
    known = _Templates(file, pictures, labels)
    boxes = PlainBoxes(known.pictures)
    for number, entry in enumerate(_annotations(file, outlines=outlines)):
        try:
            if _is_plain(entry):
                known.add(entry, boxes)
                if len(boxes) >= _BOXES_AT_ONCE:
                    yield boxes
                    boxes = PlainBoxes(known.pictures)
                continue
            if len(boxes):
                yield boxes
                boxes = PlainBoxes(known.pictures)
            yield _entry(entry, known.picture(entry), labels)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = entry.get("id", number) if isinstance(entry, dict) else number
            reason = f"annotation {what!r:.60} cannot be used: {_words(error)}"
            yield Failure(str(file), reason, str(file))
    if len(boxes):
        yield boxes


_BOXES_AT_ONCE = 1 << 13


def _is_plain(entry: dict[str, Any]) -> bool:
    """Whether it is a box of a class, and nothing beyond that has to be understood."""
    return (
        "bbox" in entry
        and not entry.get("segmentation")
        and not entry.get("keypoints")
        and not entry.get("iscrowd")
        and "caption" not in entry
        and "attributes" not in entry
    )


class _Templates:
    """What a file says of its pictures and classes, looked up once for each id.

    Attributes:
        pictures: each as an annotation without class and place.
    """

    def __init__(self, file: Path, pictures: CocoIds, labels: CocoIds) -> None:
        self.pictures: list[SourceAnnotation] = []
        self._folders = _picture_folders(file)
        self._entries = pictures
        self._classes = labels
        self._numbers: dict[Any, int] = {}
        self._labels: dict[Any, str] = {}

    def picture(self, entry: dict[str, Any]) -> SourceAnnotation:
        """Return the picture of an annotation."""
        return self.pictures[self._number(entry)]

    def add(self, entry: dict[str, Any], boxes: PlainBoxes) -> None:
        """Add an annotation to the boxes."""
        picture = self._number(entry)
        category = entry.get("category_id")
        label = self._labels.get(category)
        if label is None:
            label = text(self._classes.of(entry)["name"])
            self._labels[category] = label
        left, top, width, height = _four_numbers(entry["bbox"])
        score = entry.get("score")
        confidence = None if score is None else float(score)
        boxes.picture.append(picture)
        boxes.label.append(label)
        boxes.box.append((left, top, width, height))
        boxes.confidence.append(confidence)
        boxes.source.append(
            {key: value for key, value in entry.items() if key not in _UNDERSTOOD} or None
        )

    def _number(self, entry: dict[str, Any]) -> int:
        wanted = entry.get("image_id")
        number = self._numbers.get(wanted)
        if number is None:
            said = self._entries.of(entry)
            name = text(said["file_name"])
            number = len(self.pictures)
            size = declared_size(said.get("width"), said.get("height"))
            places = tuple(_below(folder, name) for folder in self._folders)
            self.pictures.append(SourceAnnotation(name, None, size=size, places=places))
            self._numbers[wanted] = number
        return number


_PARTS = ("images", "annotations", "categories")
_ABOUT_PICTURES = ("id", "file_name", "width", "height")


@contextmanager
def _coco_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is no COCO file of instances (images, annotations, categories): "
            f"{_words(error)}"
        ) from error


def _is_list(file: Path) -> bool:
    with open_json(file) as stream:
        name, value = next(read_members(stream, _PARTS), ("images", iter(())))
        if not name and not isinstance(next(value, None), dict):
            raise ValueError("it is a list, and not of results")
        return not name


def _described(file: Path) -> tuple[CocoIds, CocoIds]:
    """Return the pictures and the categories of a file.

    Raises:
        ValueError: it has no pictures, or no annotations.
    """
    pictures = CocoIds("image_id", "file_name")
    labels = CocoIds("category_id", "name")
    missing = set(_PARTS)
    with open_json(file) as stream:
        for name, value in read_members(stream, _PARTS):
            missing.discard(name)
            match name:
                case "images":
                    for entry in value:
                        pictures.add({key: entry[key] for key in _ABOUT_PICTURES if key in entry})
                case "categories":
                    for entry in value:
                        labels.add(entry)
                case "annotations" if not isinstance(value, Iterator):
                    raise ValueError("its annotations are no list")
            if not missing:
                break
    if missing - {"categories"}:  # captions have none
        raise ValueError("it has not all of these")
    return pictures, labels


def _annotations(file: Path, *, outlines: bool) -> Iterator[Any]:
    with open_json(file) as stream:
        hook = None if outlines else _without_outline
        for name, value in read_members(stream, _PARTS, hook):
            if name == "annotations" and not isinstance(value, Iterator):
                raise ValueError("its annotations are no list")
            if name in ("", "annotations"):
                yield from value


def _entry(entry: dict[str, Any], picture: SourceAnnotation, labels: CocoIds) -> SourceAnnotation:
    common: dict[str, Any] = {
        "picture": picture.picture,
        "places": picture.places,
        "source": {key: value for key, value in entry.items() if key not in _UNDERSTOOD},
    }
    if isinstance(attributes := entry.get("attributes"), dict):
        common["attributes"] = attributes
    if (score := entry.get("score")) is not None:
        common["confidence"] = float(score)
    if "caption" in entry:
        return SourceAnnotation(label=None, kind="caption", text=text(entry["caption"]), **common)
    kind: AnnotationKind = "box"
    size = picture.size
    polygon: tuple[tuple[float, ...], ...] = ()
    mask: tuple[int, ...] | None = None
    match entry.get("segmentation"):
        case [_, *_] as rings:
            kind, polygon = "polygon", tuple(_ring(ring) for ring in rings)
        case {"counts": counts, "size": [height, width]}:
            kind, mask = "mask", _runs(counts)
            size = size or declared_size(width, height)
            if size != (width, height):
                raise ValueError(f"its mask is of {width} x {height} pixels, its picture {size}")
    keypoints: tuple[float, ...] = ()
    if entry.get("keypoints"):
        kind, keypoints = "keypoints", tuple(float(number) for number in entry["keypoints"])
        if len(keypoints) % 3:
            raise ValueError(f"its keypoints are {len(keypoints)} numbers, not three a point")
    left, top, width, height = _box(entry, polygon, mask, size)
    return SourceAnnotation(
        label=text(labels.of(entry)["name"]),
        left=left,
        top=top,
        width=width,
        height=height,
        size=size,
        kind=kind,
        polygon=polygon,
        mask=mask,
        keypoints=keypoints,
        crowd=bool(entry.get("iscrowd")),
        **common,
    )


_UNDERSTOOD = frozenset(
    {
        "image_id",
        "bbox",
        "segmentation",
        "keypoints",
        "num_keypoints",
        "caption",
        "iscrowd",
        "attributes",
        "score",
    }
)


def _runs(counts: Any) -> tuple[int, ...]:
    runs = tuple(read_counts(counts) if isinstance(counts, str) else counts)
    if any(type(run) is not int or run < 0 for run in runs):
        raise ValueError("its mask has a run that is no number of pixels")
    return runs


def _ring(ring: Any) -> tuple[float, ...]:
    numbers = tuple(float(number) for number in ring)
    if len(numbers) % 2 or len(numbers) < _LEAST_RING:
        raise ValueError(f"a ring of its segmentation has {len(numbers)} numbers")
    return numbers


_LEAST_RING = 6


def _box(
    entry: dict[str, Any],
    polygon: Sequence[Sequence[float]],
    mask: Sequence[int] | None,
    size: tuple[int, int] | None,
) -> Sequence[float]:
    """Return the box, or where a file has none the one around the outline."""
    if "bbox" in entry or not (polygon or mask):
        return _four_numbers(entry["bbox"])
    if polygon:
        across = [x for ring in polygon for x in ring[::2]]
        down = [y for ring in polygon for y in ring[1::2]]
        return min(across), min(down), max(across) - min(across), max(down) - min(down)
    found = box_of_counts(mask or (), size[1] if size else 1)
    if found is None:
        raise ValueError("its mask is empty")
    return found


def _four_numbers(bbox: Any) -> list[float]:
    try:
        numbers = [float(number) for number in bbox]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != _BOX_NUMBERS:
        raise ValueError(f"its bbox {bbox!r:.60} is not left, top, width and height in pixels")
    return numbers


_BOX_NUMBERS = 4


def _without_outline(entry: dict[str, Any]) -> dict[str, Any]:
    """Drop the outline of an object while parsing: it is many times larger than its box."""
    entry.pop("segmentation", None)
    return entry


def _picture_folders(file: Path) -> list[str]:
    """Return where the pictures of a COCO file use to lie: beside it, or beside its folder."""
    subset = file.stem.removeprefix("instances_")
    folders = ("", "images", f"../{subset}", "../images", f"../images/{subset}")
    return [place(file.parent, folder) for folder in folders]


def _below(folder: str, name: str) -> str:
    """Return the path of a file below a folder; most names need no thought."""
    plain = name[0] not in "./" and "./" not in name and "//" not in name
    return f"{folder}/{name}" if plain else place(Path(folder), name)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return " ".join(str(error).split())

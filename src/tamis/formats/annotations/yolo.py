"""YOLO label files, one text file a picture."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.errors import InputError
from tamis.formats.annotations.plain_boxes import PlainBoxes
from tamis.formats.annotations.source_annotation import SourceAnnotation, place
from tamis.formats.annotations.yolo_files import (
    files_below,
    label_files,
    label_folders,
    labels_at,
)
from tamis.formats.annotations.yolo_settings import YoloSettings, listed_names, read_settings
from tamis.types import Failure
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["read_yolo", "read_yolo_dataset"]

_BOX_NUMBERS = 4
_LISTS = ("classes.txt", "obj.names")
_YAML = (".yaml", ".yml")
_NAMES = re.compile(r"""(?m)^["']?(names|kpt_shape)["']?\s*:""")


def read_yolo_dataset(settings_file: Path) -> Iterator[Said]:
    """Read the label files that a `data.yaml` speaks of, by its names of classes.

    Raises:
        InputError: it cannot be read, names no classes, or there are no label files where it says.
    """
    settings = _settings_in(settings_file)
    if not settings.names:
        raise InputError(
            f"{settings_file} has no names of classes: give the line  names: [cat, dog]  or name a "
            "folder with a classes.txt"
        )
    folders, wrong = label_folders(settings_file, settings)
    files = [file for folder in folders for file in files_below(folder, ".txt")]
    if not label_files(files)[0]:
        raise InputError(
            f"{settings_file} leads to no label file (.txt): none lies below "
            f"{' or '.join(map(str, folders))}; check its  path:  or name the folder of labels"
        )
    yield from read_yolo(folders[0], files, settings)
    if wrong is not None:
        yield wrong


def read_yolo(
    root: Path, files: Sequence[Path], settings: YoloSettings | None = None
) -> Iterator[Said]:
    """Read YOLO label files: a line `class x y width height` a box, shares of the sides.

    A sixth number is a prediction's confidence. Keypoints follow the box where the settings say how
    many there are. Lines of three or more points are outlines; where all of a dataset are
    parallelograms, rotated boxes. Names of classes come from `classes.txt` or a YAML file at, above
    or beside the labels unless settings are given; without any the class number is the label.
    Boxes are of the upright picture, as the tools that train on them read it.

    Args:
        root: the folder that was named.
        files: text files; those that are no labels are left out, and counted if they have boxes.
        settings: of the dataset.

    Raises:
        InputError: the names cannot be read.
    """
    labels, passed_over = label_files(files)
    settings = _settings_near(root, labels) if settings is None else settings
    if passed_over:
        yield (
            f"{counted(len(passed_over), 'label file was')} not read, outside of the folders "
            f"called labels: {passed_over[0]}"
        )
    rotated: bool | None = None
    boxes = PlainBoxes([])
    for number, file in enumerate(labels):
        for said in _lines(root, file, settings, boxes):
            if isinstance(said, SourceAnnotation) and said.kind == "polygon":
                if rotated is None:  # decided by all that follow, which are read for it
                    rest = (
                        one for other in labels[number:] for one in _lines(root, other, settings)
                    )
                    rotated = all(map(_may_be_rotated_box, rest))
                yield replace(said, kind="rotated_box") if rotated else said
            else:
                yield said
        if len(boxes) >= _BOXES_AT_ONCE:
            yield boxes
            boxes = PlainBoxes([])
    if len(boxes):
        yield boxes


_BOXES_AT_ONCE = 1 << 13


def _lines(
    root: Path, file: Path, settings: YoloSettings, boxes: PlainBoxes | None = None
) -> Iterator[Said]:
    """Yield what the lines of a file say, but boxes if there is where they can go."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        yield Failure(str(file), f"is no YOLO label file: {error}", str(file))
        return
    picture: SourceAnnotation | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            label, shape = _shape(line, settings)
        except ValueError as error:
            reason = f"line {number} cannot be used: {error}"
            yield Failure(str(file), reason, str(file))
            continue
        if picture is None:
            name, places = _picture_of(root, file), _places(file)
            picture = SourceAnnotation(name, None, relative=True, places=places, bare=True)
            if boxes is not None:
                boxes.pictures.append(picture)
        if boxes is None or "kind" in shape:
            yield replace(picture, label=label, **shape)
            continue
        boxes.picture.append(len(boxes.pictures) - 1)
        boxes.label.append(label)
        boxes.box.append((shape["left"], shape["top"], shape["width"], shape["height"]))
        boxes.confidence.append(shape.get("confidence"))
        boxes.source.append(None)


def _may_be_rotated_box(said: Said) -> bool:
    if not isinstance(said, SourceAnnotation) or said.kind != "polygon":
        return True
    return _is_parallelogram(said.polygon[0])


def _is_parallelogram(ring: Sequence[float]) -> bool:
    """Tell whether an outline can be a rotated box, which shares of unequal sides shear."""
    if len(ring) != 8:  # noqa: PLR2004 - four points
        return False
    x, y = ring[::2], ring[1::2]
    return all(abs(a[0] + a[2] - a[1] - a[3]) < _EVEN for a in (x, y))


_EVEN = 1e-4


def _shape(line: str, settings: YoloSettings) -> tuple[str, dict[str, Any]]:
    words = line.split()
    kind, numbers = _class_number(words[0]), [float(word) for word in words[1:]]
    names, keypoints = settings.names, settings.keypoints
    if kind < 0 or (names and kind not in names):
        raise ValueError(f"there is no class {kind}")
    more = len(numbers) - _BOX_NUMBERS
    more_said: dict[str, Any] = {}
    if more in (0, 1) or (keypoints and more - keypoints[0] * keypoints[1] in (0, 1)):
        x, y, width, height = numbers[:_BOX_NUMBERS]
        if max(numbers[:_BOX_NUMBERS]) >= _NO_SHARE:
            raise ValueError(
                f"{max(numbers[:_BOX_NUMBERS]):g} is no share of a side; divide pixels by the "
                "width and the height of the picture"
            )
        left, top = x - width / 2, y - height / 2
        rest = numbers[_BOX_NUMBERS:]
        if len(rest) % 2 if not keypoints else len(rest) > keypoints[0] * keypoints[1]:
            more_said["confidence"] = rest.pop()
        if rest and keypoints:
            more_said |= {"kind": "keypoints", "keypoints": _keypoints(rest, keypoints[1])}
    elif keypoints:
        raise ValueError(
            f"{len(words)} numbers are neither a box nor one with {keypoints[0]} keypoints of "
            f"{keypoints[1]} numbers, as kpt_shape has them"
        )
    elif more > 0 and more % 2 == 0:
        if max(numbers) >= _NO_SHARE:
            raise ValueError(
                f"{max(numbers):g} is no share of a side, so it is no polygon; for keypoints name "
                "the data.yaml that says their kpt_shape"
            )
        left, top = min(numbers[::2]), min(numbers[1::2])
        width, height = max(numbers[::2]) - left, max(numbers[1::2]) - top
        more_said = {"kind": "polygon", "polygon": (tuple(numbers),)}
    else:
        raise ValueError(f"{len(words)} numbers are neither a box nor a polygon")
    place = {"left": left, "top": top, "width": width, "height": height}
    return names.get(kind, str(kind)), place | more_said


def _keypoints(numbers: Sequence[float], each: int) -> tuple[float, ...]:
    """Return x, y and visibility of each; where the file has none, a point at 0, 0 is absent."""
    points = [numbers[at : at + each] for at in range(0, len(numbers), each)]
    return tuple(
        number
        for point in points
        for number in (*point[:2], point[2] if each > 2 else 2 * any(point))  # noqa: PLR2004
    )


_NO_SHARE = 2
"""Boxes and points of a polygon lie at shares of the sides, a little outside at most; numbers of
pixels are larger, and a keypoint that can be seen has the number 2."""


def _class_number(word: str) -> int:
    """Return the number of a class, which numpy and others write as a decimal."""
    number = float(word)
    if not number.is_integer():
        raise ValueError(f"there is no class {word}")
    return int(number)


def _picture_of(root: Path, file: Path) -> str:
    """Return the picture's path below `images`, which mirrors `labels`, without its extension."""
    above = len(root.parts)
    inside = file.parts[:above] == root.parts
    parts = file.parts[above:] if inside else file.parts
    at = labels_at(parts[:-1])
    if at is not None:
        parts = parts[at + 1 :]
    elif not inside:
        parts = parts[-1:]
    return "/".join((*parts[:-1], file.stem))


def _places(file: Path) -> tuple[str, ...]:
    """Return where the picture uses to lie: in `images` for `labels`, or beside its labels."""
    stem = file.stem
    return tuple(f"{folder}/{stem}" for folder in _picture_folders(os.path.dirname(file)))  # noqa: PTH120 - many files


@lru_cache(maxsize=1024)
def _picture_folders(folder: str) -> tuple[str, ...]:
    own = place(Path(folder))
    parts = own.split("/")
    at = labels_at(parts)
    return (own,) if at is None else ("/".join([*parts[:at], "images", *parts[at + 1 :]]), own)


def _settings_near(root: Path, files: Sequence[Path]) -> YoloSettings:
    for folder in dict.fromkeys([root, root.parent, *(file.parent for file in files)]):
        described = [folder / name for name in _LISTS]
        described += sorted(file for file in folder.glob("*") if file.suffix.lower() in _YAML)
        for file in described:
            if file.is_file():
                settings = _settings_in(file, stray=True)
                if settings.names or settings.keypoints:
                    return settings
    return YoloSettings()


def _settings_in(file: Path, *, stray: bool = False) -> YoloSettings:
    """Read names of classes; a YAML file that was not named may be of something else altogether."""
    try:
        content = file.read_text("utf-8-sig")
        if file.suffix.lower() not in _YAML:
            return YoloSettings(names=listed_names(content))
        if stray and not _NAMES.search(content):
            return YoloSettings()
        return read_settings(content)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the names of classes in {file}: {error}") from error

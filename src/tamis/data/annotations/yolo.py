"""Boxes of YOLO label files, one text file a picture."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tamis.data.annotations.boxes import Annotations, BoxAnnotation, place
from tamis.data.annotations.class_names import listed_names, yaml_names
from tamis.errors import InputError
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["label_files", "read_yolo"]

_BOX_NUMBERS = 4
_NAMES = ("classes.txt", "obj.names")
_NOT_LABELS = {"classes", "train", "val", "valid", "test", "requirements"}
_LABELS = "labels"


def label_files(files: Sequence[Path]) -> list[Path]:
    """Pick the label files among text files: those in folders `labels`, or all if there are none.

    Lists of pictures or classes and what is to be read by people are left out.
    """
    labels = [
        file
        for file in files
        if file.stem not in _NOT_LABELS and not file.name.lower().startswith(("readme", "license"))
    ]
    inside = [file for file in labels if _LABELS in file.parts]
    return inside or labels


def read_yolo(root: Path, files: Sequence[Path], names_file: Path | None = None) -> Annotations:
    """Read YOLO label files: a line `class x y width height` a box, shares of the sides.

    A sixth number, a prediction's confidence, is passed over. Polygons, lines of three or more
    points, become the box around them. Names of classes come from `names_file`, or else from
    `classes.txt` or a YAML file at, above or beside the labels; without any the class number is
    the label. Boxes are of the upright picture, as the tools that train on them read it.

    Args:
        root: the folder that was named.
        files: the label files.
        names_file: the `data.yaml` that was named.

    Raises:
        InputError: the names cannot be read, or `names_file` has none.
    """
    names = _class_names(root, files) if names_file is None else _names_in(names_file)
    if names_file is not None and not names:
        raise InputError(
            f"{names_file} has no names of classes: give the line  names: [cat, dog]  or name a "
            "folder with a classes.txt"
        )
    found = Annotations()
    for file in files:
        picture = _picture_of(root, file)
        places = _places(file)
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"is no YOLO label file: {error}"
            found.failures.append(Failure(str(file), reason, str(file)))
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                label, edges = _box(line, names)
            except ValueError as error:
                reason = f"line {number} cannot be used: {error}"
                found.failures.append(Failure(str(file), reason, str(file)))
                continue
            found.boxes.append(BoxAnnotation(picture, label, *edges, relative=True, places=places))
    return found


def _box(line: str, names: dict[int, str]) -> tuple[str, tuple[float, float, float, float]]:
    words = line.split()
    kind, numbers = int(words[0]), [float(word) for word in words[1:]]
    if kind < 0 or (names and kind not in names):
        raise ValueError(f"there is no class {kind}")
    if len(numbers) in (_BOX_NUMBERS, _BOX_NUMBERS + 1):
        x, y, width, height = numbers[:_BOX_NUMBERS]
        left, top = x - width / 2, y - height / 2
    elif len(numbers) > _BOX_NUMBERS and len(numbers) % 2 == 0:
        left, top = min(numbers[::2]), min(numbers[1::2])
        width, height = max(numbers[::2]) - left, max(numbers[1::2]) - top
    else:
        raise ValueError(f"{len(words)} numbers are neither a box nor a polygon")
    return names.get(kind, str(kind)), (left, top, width, height)


def _picture_of(root: Path, file: Path) -> str:
    """Return the picture's path below `images`, which mirrors `labels`."""
    parts = file.relative_to(root).with_suffix("").parts
    if _LABELS in parts:
        parts = parts[parts.index(_LABELS) + 1 :]
    return str(PurePosixPath(*parts))


def _places(file: Path) -> tuple[str, ...]:
    """Return where the picture uses to lie: in `images` for `labels`, or beside its labels."""
    own = PurePosixPath(place(file.parent, file.stem))
    parts = list(own.parts)
    if _LABELS not in parts:
        return (str(own),)
    parts[len(parts) - 1 - parts[::-1].index(_LABELS)] = "images"
    return str(PurePosixPath(*parts)), str(own)


def _class_names(root: Path, files: Sequence[Path]) -> dict[int, str]:
    folders = [root, root.parent, *dict.fromkeys(file.parent for file in files)]
    for folder in folders:
        described = [folder / name for name in _NAMES]
        described += sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))
        for file in described:
            if file.is_file() and (names := _names_in(file)):
                return names
    return {}


def _names_in(file: Path) -> dict[int, str]:
    try:
        content = file.read_text("utf-8-sig")
        return yaml_names(content) if file.suffix in (".yaml", ".yml") else listed_names(content)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the names of classes in {file}: {error}") from error

"""Boxes of YOLO label files, one text file a picture."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tamis.data.annotations.boxes import Annotations, BoxAnnotation
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_yolo"]

_BOX_NUMBERS = 5
_NOT_LABELS = {"classes.txt", "train.txt", "val.txt", "test.txt", "requirements.txt"}
_NUMBERED = re.compile(r"^\s+(\d+)\s*:\s*['\"]?(.*?)['\"]?\s*$")
_LISTED = re.compile(r"^\s*-\s*['\"]?(.*?)['\"]?\s*$")


def read_yolo(root: Path, files: Sequence[Path]) -> Annotations:
    """Read YOLO label files: a line `class x y width height` a box, shares of the sides.

    Names of classes come from `data.yaml` or `classes.txt` at or above the labels; without them
    the class number is the label. Polygons, lines of more numbers, become the box around them.

    Args:
        root: the folder that was named.
        files: the label files.
    """
    names = _class_names(root)
    found = Annotations()
    for file in files:
        if file.name in _NOT_LABELS:
            continue
        picture = _picture_of(root, file)
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            found.failures.append(Failure(str(file), f"is no YOLO label file: {error}"))
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                found.boxes.append(_box(picture, line, names))
            except (ValueError, IndexError) as error:
                found.failures.append(Failure(str(file), f"line {number} cannot be used: {error}"))
    return found


def _box(picture: str, line: str, names: dict[int, str]) -> BoxAnnotation:
    words = line.split()
    kind, numbers = int(words[0]), [float(word) for word in words[1:]]
    if names and kind not in names:
        raise ValueError(f"there is no class {kind}")
    if len(words) == _BOX_NUMBERS:
        x, y, width, height = numbers
        left, top = x - width / 2, y - height / 2
    elif len(numbers) > _BOX_NUMBERS and len(numbers) % 2 == 0:
        left, top = min(numbers[::2]), min(numbers[1::2])
        width, height = max(numbers[::2]) - left, max(numbers[1::2]) - top
    else:
        raise ValueError(f"{len(words)} numbers are neither a box nor a polygon")
    label = names.get(kind, str(kind))
    return BoxAnnotation(picture, label, left, top, width, height, relative=True)


def _picture_of(root: Path, file: Path) -> str:
    """Return the picture's path below `images`, which mirrors `labels`."""
    parts = file.relative_to(root).with_suffix("").parts
    if "labels" in parts:
        parts = parts[parts.index("labels") + 1 :]
    return str(PurePosixPath(*parts))


def _class_names(root: Path) -> dict[int, str]:
    for folder in (root, root.parent):
        listed = folder / "classes.txt"
        if listed.is_file():
            lines = listed.read_text("utf-8").splitlines()
            return dict(enumerate(line.strip() for line in lines if line.strip()))
        for file in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
            if names := _yaml_names(file.read_text("utf-8")):
                return names
    return {}


def _yaml_names(text: str) -> dict[int, str]:
    """Read `names:` of a data.yaml, in its three usual forms, without a YAML library."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if not line.startswith("names:"):
            continue
        rest = line.removeprefix("names:").split("#")[0].strip()
        if rest.startswith("["):
            flow, closed, _ = "".join([rest, *lines[start + 1 :]]).partition("]")
            words = flow[1:].split(",") if closed else []
            return dict(enumerate(word.strip().strip("'\"") for word in words))
        names: dict[int, str] = {}
        for below in lines[start + 1 :]:
            if numbered := _NUMBERED.match(below):
                names[int(numbered[1])] = numbered[2]
            elif listed := _LISTED.match(below):
                names[len(names)] = listed[1]
            elif below.strip() and not below.strip().startswith("#"):
                break
        return names
    return {}

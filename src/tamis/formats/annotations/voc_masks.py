"""Masks of Pascal VOC: pictures of numbers, of objects and of classes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from tamis.algo.run_lengths import counts_of
from tamis.errors import InputError
from tamis.formats.annotations.source_annotation import SourceAnnotation, place, text
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["ObjectMasks", "read_voc_classes"]

_BORDER: Final = 255
_CLASS_MAP: Final = "class_id_to_name.json"
_MOST_PIXELS: Final = 1 << 28

_CLASSES: Final = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
"""VOC's own, from 1 on, where no `labelmap.txt` says others."""


class ObjectMasks:
    """The masks of one picture's objects, by the number of each in its XML file.

    Args:
        numbers: `[H, W]` uint8, 0 where there is no object.
    """

    def __init__(self, numbers: NDArray[np.uint8]) -> None:
        self._numbers = numbers

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self._numbers.shape[1], self._numbers.shape[0]

    @staticmethod
    def beside(file: Path, size: tuple[int, int] | None) -> ObjectMasks | str | None:
        """Return the masks that belong to an XML file, None if there are none, or what is wrong.

        Args:
            file: the XML file.
            size: what it says is the size of its picture.
        """
        for folder in ("../SegmentationObject", "SegmentationObject"):
            masks = file.parent / folder / f"{file.stem}.png"
            if masks.is_file():
                try:
                    found = ObjectMasks(_numbers(masks))
                except ValueError as error:
                    return f"the masks {masks} cannot be read: {error}"
                if size not in (None, found.size):
                    return f"the masks {masks} are of {found.size} pixels, the picture of {size}"
                return found
        return None

    def of(self, number: int) -> dict[str, Any]:
        """Return an object's mask as fields of an annotation; none if it has none."""
        mask = self._numbers == number
        if number >= _BORDER or not mask.any():
            return {}
        return {"kind": "mask", "mask": tuple(counts_of(mask))}


def read_voc_classes(folder: Path) -> Iterator[Said]:
    """Read pictures of classes: a mask for each class that a picture has.

    Args:
        folder: has `SegmentationClass`, and `labelmap.txt`, or `class_id_to_name.json` as
            LightlyStudio writes it, unless the classes are VOC's own.

    Raises:
        InputError: the names of classes cannot be read.
    """
    names = _class_map(folder / _CLASS_MAP)
    if names is None:
        names = dict(enumerate(_names(folder / "labelmap.txt"), start=1))
    root = folder / "SegmentationClass"
    for file in sorted(root.rglob("*.png")):
        picture = file.relative_to(root).with_suffix("").as_posix()
        try:
            numbers = _numbers(file)
        except ValueError as error:
            yield Failure(str(file), f"cannot be read as masks: {error}", str(file))
            continue
        height, width = numbers.shape
        for number in np.unique(numbers[numbers < _BORDER]).tolist():
            label = names.get(number, str(number) if number else "background")
            if label == "background":
                continue
            mask = numbers == number
            rows, columns = np.nonzero(mask)
            left, top = int(columns.min()), int(rows.min())
            yield SourceAnnotation(
                picture=picture,
                label=label,
                left=left,
                top=top,
                width=int(columns.max()) + 1 - left,
                height=int(rows.max()) + 1 - top,
                size=(width, height),
                places=(place(folder, "JPEGImages", picture),),
                bare=True,
                kind="mask",
                mask=tuple(counts_of(mask)),
            )


def _class_map(file: Path) -> dict[int, str] | None:
    """Return the classes of a JSON object of numbers and names; None if there is no such file."""
    if not file.is_file():
        return None
    try:
        return {int(number): text(name) for number, name in json.loads(file.read_bytes()).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{file} is no JSON object of numbers and names: {error}") from error


def _names(file: Path) -> list[str]:
    if not file.is_file():
        return list(_CLASSES)
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except ValueError as error:
        raise InputError(f"{file} is no text in UTF-8: {error}") from error
    names = [line.split(":")[0].strip() for line in lines if line.strip() and line[0] != "#"]
    return names[1:] if names[:1] == ["background"] else names


def _numbers(file: Path) -> NDArray[np.uint8]:
    """Return the numbers of a picture's pixels.

    Raises:
        ValueError: it is no picture of numbers, too large, or damaged.
    """
    try:
        with Image.open(file, formats=["PNG"]) as image:
            if image.mode not in ("P", "L"):
                raise ValueError(f"it has colors ({image.mode}), not numbers of objects")
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"it is too large, {image.width} x {image.height}")
            return np.asarray(image, np.uint8)
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error

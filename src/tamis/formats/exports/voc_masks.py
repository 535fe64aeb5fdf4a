"""Write the masks of Pascal VOC: two pictures of numbers, one of classes and one of objects."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from tamis.algo.polygon_mask import polygon_mask
from tamis.algo.run_lengths import mask_of, read_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Losses

__all__ = ["MOST", "labels_of", "voc_palette", "write_masks"]

MOST: Final = 254
"""Numbers of a class or object are 1 to this; 255 is what belongs to none."""


def voc_palette() -> list[int]:
    """Return VOC's colors of 256 numbers, red, green, blue each.

    A number's bits are dealt out to the three colors, highest bits of these first.

    >>> voc_palette()[:12]
    [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
    """
    colors = []
    for number in range(256):
        for color in range(3):
            bits = [number >> (3 * place + color) & 1 for place in range(3)]
            colors.append(sum(bit << 7 - place for place, bit in enumerate(bits)))
    return colors


def labels_of(classes: Sequence[str]) -> str:
    """Return `labelmap.txt`, which says the color of each class."""
    colors = voc_palette()
    lines = ["# label:color_rgb:parts:actions"]
    for number, name in enumerate(["background", *classes[:MOST]]):
        rgb = ",".join(map(str, colors[3 * number : 3 * number + 3]))
        lines.append(f"{name}:{rgb}::")
    return "\n".join([*lines, ""])


def write_masks(
    folder: Path,
    picture: AnnotatedPicture,
    objects: Sequence[Mapping[str, Any]],
    numbers: Mapping[str, int],
    losses: Losses,
) -> list[str]:
    """Write the masks of a picture's objects, if there are any, and return the files.

    An object's number is its place in `objects`; a later one lies over an earlier one.
    """
    of_objects = np.zeros((picture.height, picture.width), np.uint8)
    of_classes = of_objects.copy()
    written = 0
    for number, row in enumerate(objects, start=1):
        mask = _mask(row, picture)
        if mask is None:
            continue
        kind = row["kind"]
        if number > MOST or numbers[row["label"]] > MOST:
            losses.count(kind, f"written as a box, beyond {MOST} objects or classes")
            continue
        if (of_objects[mask] > 0).any():
            losses.count(kind, "written over the mask of another object")
        if row.get("polygon"):
            losses.count(kind, "written as masks")
        of_objects[mask] = number
        of_classes[mask] = numbers[row["label"]]
        written += 1
    if not written:
        return []
    files = []
    for name, pixels in (("SegmentationClass", of_classes), ("SegmentationObject", of_objects)):
        image = Image.fromarray(pixels, "P")
        image.putpalette(voc_palette())
        file = f"{name}/{posixpath.splitext(picture.name)[0]}.png"
        (folder / name).mkdir(exist_ok=True)
        image.save(folder / file, "PNG")
        files.append(file)
    return files


def _mask(row: Mapping[str, Any], picture: AnnotatedPicture) -> Any:
    if text := row.get("mask"):
        return mask_of(read_counts(text), picture.width, picture.height)
    if row["kind"] != "rotated_box" and (rings := row.get("polygon")):
        return polygon_mask(rings, picture.width, picture.height)
    return None

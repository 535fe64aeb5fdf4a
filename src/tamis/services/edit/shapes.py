"""Outlines and masks that a person drew: whether they can be, and the box around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from tamis.algo.run_lengths import box_of_counts, read_counts
from tamis.errors import UsageError
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.services.edit.moved import require_box, without_area

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.dataset.annotation_layers import AnnotationKind
    from tamis.services.edit.contract import DrawAnnotation

__all__ = ["drawn", "reshaped"]

_OUTLINED: Final = ("polygon", "rotated_box")
_MASKED: Final = ("mask",)
_SLANT: Final = 0.02
"""How far from a right angle corners may be that were written with one decimal, in radians."""


def drawn(request: DrawAnnotation, size: tuple[int, int]) -> tuple[SourceAnnotation, Placed]:
    """Return an object that is drawn, and where it lies.

    Args:
        request: what is drawn.
        size: width and height of the picture.

    Raises:
        UsageError: it cannot lie so in the picture.
    """
    kind: AnnotationKind = "box"
    if request.box is not None:
        require_box(request.box, size)
        placed = Placed(request.box)
    elif request.mask is not None:
        kind, placed = "mask", _placed_mask(request.mask, size)
    else:
        kind = "rotated_box" if request.rotated else "polygon"
        placed = _placed_outline(request.outline, size, kind)
    return SourceAnnotation(request.sample, request.label, kind=kind), placed


def reshaped(
    row: Mapping[str, Any],
    outline: Sequence[Sequence[float]],
    mask: str | None,
    size: tuple[int, int],
) -> dict[str, Any]:
    """Return an annotation with another outline, or another mask where that is given.

    Raises:
        UsageError: it is of a kind that has none, or it cannot lie so in the picture.
    """
    given, kinds = ("mask", _MASKED) if mask is not None else ("outline", _OUTLINED)
    if row["kind"] not in kinds:
        name = row["annotation_id"]
        raise UsageError(f"{name} is a {row['kind']}, which takes no {given}")
    if mask is not None:
        placed = _placed_mask(mask, size)
    else:
        placed = _placed_outline(outline, size, row["kind"])
    assert placed.box is not None
    x, y, width, height = placed.box
    return {
        **row,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "polygon": [list(ring) for ring in placed.polygon] or None,
        "mask": placed.mask,
        "source": without_area(row["source"]),
    }


def _placed_outline(rings: Sequence[Sequence[float]], size: tuple[int, int], kind: str) -> Placed:
    """Return where an outline lies, its numbers as they are, with the exact box around it.

    Raises:
        UsageError: it has no area, lies outside of the picture, or is that of a rotated box and no
            rectangle.
    """
    numbers = [number for ring in rings for number in ring]
    if not all(map(math.isfinite, numbers)):
        raise UsageError("an outline has numbers that are not finite")
    left, right = min(numbers[::2]), max(numbers[::2])
    top, bottom = min(numbers[1::2]), max(numbers[1::2])
    if right <= left or bottom <= top:
        raise UsageError("the outline has no area; give points that do not lie on one line")
    if left >= size[0] or top >= size[1] or right <= 0 or bottom <= 0:
        raise UsageError(
            f"the outline lies outside of the picture, which has {size[0]} x {size[1]} pixels"
        )
    if kind == "rotated_box":
        _require_rectangle(rings)
    box = left, top, right - left, bottom - top
    return Placed(box, [list(map(float, ring)) for ring in rings])


def _placed_mask(code: str, size: tuple[int, int]) -> Placed:
    """Return where a mask lies, with the box around its pixels.

    Raises:
        UsageError: it is no run-length code of such a picture, or covers no pixel.
    """
    width, height = size
    try:
        counts = read_counts(code)
    except ValueError as error:
        raise UsageError(f"the mask cannot be used: {error}") from None
    if sum(counts) != width * height:
        raise UsageError(
            f"the mask's runs cover {sum(counts)} pixels, and the picture has {width} x {height}"
        )
    box = box_of_counts(counts, height)
    if box is None:
        raise UsageError("the mask covers no pixel; to take an object away remove it")
    x, y, across, down = map(float, box)
    return Placed((x, y, across, down), mask=code)


def _require_rectangle(rings: Sequence[Sequence[float]]) -> None:
    [ring] = rings
    corners = list(zip(ring[::2], ring[1::2], strict=True))
    sides = [
        (there[0] - here[0], there[1] - here[1])
        for here, there in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    for (a, b), (c, d) in zip(sides, sides[1:] + sides[:1], strict=True):
        lengths = math.hypot(a, b) * math.hypot(c, d)
        if lengths == 0 or abs(a * c + b * d) > _SLANT * lengths:
            raise UsageError(
                "the four corners are no rectangle; give them in turn, or draw a polygon"
            )

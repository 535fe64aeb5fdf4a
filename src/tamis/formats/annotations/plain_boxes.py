"""Boxes of which a file says no more than a class, column by column: most of what files hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tamis.formats.annotations.source_annotation import SourceAnnotation

__all__ = ["PlainBoxes"]


@dataclass(slots=True)
class PlainBoxes:
    """Boxes as lists, since an object each would take most of the time of reading them.

    Attributes:
        pictures: what the file says of each picture, as an annotation without class and place.
        picture: of each box, which of the pictures.
        label: its class.
        box: left, top, width and height, as `SourceAnnotation` has them.
        confidence: of a prediction, else None.
        source: what the file calls it; None if it says nothing.
    """

    pictures: list[SourceAnnotation]
    picture: list[int] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    box: list[tuple[float, float, float, float]] = field(default_factory=list)
    confidence: list[float | None] = field(default_factory=list)
    source: list[Mapping[str, Any] | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.picture)

    def entry(self, row: int) -> SourceAnnotation:
        """Return one of them as an annotation."""
        left, top, width, height = self.box[row]
        return replace(
            self.pictures[self.picture[row]],
            label=self.label[row],
            left=left,
            top=top,
            width=width,
            height=height,
            confidence=self.confidence[row],
            source=self.source[row],
        )

    def entries(self) -> Iterator[SourceAnnotation]:
        """Yield each as an annotation."""
        return map(self.entry, range(len(self)))

    def placed(
        self, sizes: Mapping[int, tuple[int, int, int]]
    ) -> tuple[NDArray[np.bool_], list[list[float]]]:
        """Return which are placed as `SourceAnnotation.placed` does, and the boxes of all.

        The others are of pictures without a size here, lie sideways, or lie nowhere: ask each.

        Args:
            sizes: width, height and orientation of the upright pictures by their numbers.
        """
        scales = {number: self._scale(number, size) for number, size in sizes.items()}
        nothing = (np.nan,) * 4
        used = np.array([scales.get(number) or nothing for number in self.picture], float)
        used = used.reshape(-1, 4)
        boxes = np.array(self.box, float).reshape(-1, 4)
        scale, sides = used[:, :2], used[:, 2:]
        with np.errstate(invalid="ignore", over="ignore"):
            low = boxes[:, :2] * scale
            high = (boxes[:, :2] + boxes[:, 2:]) * scale
            good = (boxes[:, 2:] > 0).all(axis=1) & (high > 0).all(axis=1)
            good &= (low < sides).all(axis=1) & np.isfinite(boxes).all(axis=1)
            scaled = np.concatenate([low, high - low], axis=1)
        sure = np.array([one is None or np.isfinite(one) for one in self.confidence], bool)
        as_it_is = (scale == 1).all(axis=1)
        if as_it_is.all():
            return good & sure, boxes.tolist()
        found = [  # what a product has beyond that is its error, as in `SourceAnnotation`
            box if plain else [round(number, 6) for number in placed]
            for plain, box, placed in zip(
                as_it_is.tolist(), boxes.tolist(), scaled.tolist(), strict=True
            )
        ]
        return good & sure, found

    def _scale(self, number: int, size: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
        """Return the pixels of a unit along both sides, and the sides; None if it is turned."""
        said, (width, height, _) = self.pictures[number], size
        if said.relative:
            return width, height, width, height
        return (1, 1, width, height) if said.size in (None, (width, height)) else None

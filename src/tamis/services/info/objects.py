"""Objects of a layer in counts: by class, by picture and by size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc

from tamis.algo.detection.average_precision import SIZES
from tamis.dataset.columns import equal, known
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store

__all__ = ["LayerObjects", "layer_objects"]

_STEPS: Final = (0, 1, 2, 3, 6, 11, 21, 51)
"""Where ranges of objects a picture begin."""


@dataclass(frozen=True)
class LayerObjects:
    """The objects of a layer.

    Attributes:
        layer: its name.
        classes: how many of each class, most frequent first.
        pictures_of: how many pictures have each class.
        each: objects of each picture that has any, `[P]`.
        sides: square root of each object's area in pixels, `[N]`, by its box.
    """

    layer: str
    classes: dict[str, int]
    pictures_of: dict[str, int]
    each: NDArray[np.int64]
    sides: NDArray[np.float64]

    @property
    def sizes(self) -> dict[str, int]:
        """How many objects there are of each of COCO's sizes; empty without any."""
        if not len(self.sides):
            return {}
        small, medium = (SIZES[name][1] ** 0.5 for name in ("small", "medium"))
        places = np.searchsorted([small, medium], self.sides)
        counts = np.bincount(places, minlength=3).tolist()
        return dict(zip(("small", "medium", "large"), counts, strict=True))

    def per_picture(self, pictures: int) -> dict[str, int]:
        """Return how many pictures have how many objects, in ranges; empty without any.

        Args:
            pictures: how many there are, with objects or without.
        """
        if not len(self.each):
            return {}
        each = np.concatenate([self.each, np.zeros(max(pictures - len(self.each), 0), np.int64)])
        counts = np.bincount(np.searchsorted(_STEPS, each, "right") - 1, minlength=len(_STEPS))
        ends = (*(step - 1 for step in _STEPS[1:]), None)
        found = {}
        for first, last, count in zip(_STEPS, ends, counts.tolist(), strict=True):
            name = (
                f"{first}+" if last is None else f"{first}-{last}" if last > first else f"{first}"
            )
            if count:
                found[name] = count
        return found


def layer_objects(store: Store, layer: str) -> LayerObjects:
    """Count the objects of a layer: what has a place. One scan of a few columns."""
    condition = all_of(equal("layer", layer), known("x"))
    table = store.annotations(["sample_id", "label", "width", "height"], condition)
    each = pc.value_counts(table.column("sample_id").combine_chunks()).field("counts")
    named = table.select(["label", "sample_id"]).filter(pc.is_valid(table.column("label")))
    counted = named.group_by("label").aggregate(
        [("sample_id", "count"), ("sample_id", "count_distinct")]
    )
    rows = sorted(counted.to_pylist(), key=lambda row: (-row["sample_id_count"], row["label"]))
    area = pc.multiply(table.column("width"), table.column("height")).to_numpy()
    return LayerObjects(
        layer=layer,
        classes={row["label"]: row["sample_id_count"] for row in rows},
        pictures_of={row["label"]: row["sample_id_count_distinct"] for row in rows},
        each=np.asarray(each.to_numpy(), np.int64),
        sides=np.sqrt(np.asarray(area, np.float64)),
    )

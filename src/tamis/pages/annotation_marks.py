"""Annotations as they are drawn on pictures: shapes as SVG paths, told apart by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from tamis.algo.run_lengths import read_counts
from tamis.dataset.columns import known, one_of
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tamis.dataset.store import Store

__all__ = ["AnnotationMarks", "Mark", "path_of", "text_size"]

_MOST_LAYERS: Final = 8  # as many as page.css has colors for
_MOST_MARKS: Final = 100
_MOST_POINTS: Final = 100
_MASK_COLUMNS: Final = 48
_COLUMNS: Final = (
    "annotation_id", "sample_id", "layer", "label", "confidence", "crowd",
    "x", "y", "width", "height", "polygon", "mask", "keypoints",
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One annotation, drawn.

    Attributes:
        layer: place of its layer among those that the page shows.
        shape: `box`, `outline` or `mask`.
        path: SVG path data in pixels of the picture.
        text: its class and confidence; may be empty.
        x: where the text stands.
        y: likewise, the middle of its line.
        faint: whether it is drawn so that others stand out.
    """

    layer: int
    shape: str
    path: str
    text: str
    x: float
    y: float
    faint: bool = False

    @property
    def size(self) -> int:
        """About how many bytes it takes on a page."""
        return len(self.path) + 2 * len(self.text.encode()) + 100


class AnnotationMarks:
    """Draws the annotations of pictures.

    Args:
        store: the dataset.
        layers: which layers, in this order; if None all that have places, at most eight.
        faint: ids of annotations that are drawn faintly.

    Attributes:
        layers: the layers that are drawn.
    """

    def __init__(
        self,
        store: Store,
        layers: Sequence[str] | None = None,
        faint: Collection[str] = frozenset(),
    ) -> None:
        self._store = store
        self._faint = faint
        if layers is None:
            named = pc.unique(store.annotations(["layer"], known("x")).column("layer"))
            layers = sorted(named.to_pylist(), key=lambda name: (name != "truth", name))
        self.layers = tuple(layers[:_MOST_LAYERS])

    def of(self, ids: Sequence[str], sizes: Mapping[str, tuple[int, int]]) -> dict[str, list[Mark]]:
        """Return the marks of some samples, largest first; one scan of the table.

        Args:
            ids: the samples.
            sizes: their widths and heights.
        """
        found: dict[str, list[Mark]] = {}
        if not self.layers or not ids:
            return found
        condition = all_of(known("x"), one_of("layer", self.layers), one_of("sample_id", ids))
        rows = self._store.annotations(_COLUMNS, condition).to_pylist()
        rows.sort(key=lambda row: -row["width"] * row["height"])
        for row in rows:
            marks = found.setdefault(row["sample_id"], [])
            if len(marks) < _MOST_MARKS:
                marks.append(self._mark(row, sizes[row["sample_id"]]))
        return found

    def _mark(self, row: Mapping[str, Any], size: tuple[int, int]) -> Mark:
        shape, path = path_of(row, size)
        sure = row["confidence"]
        words = [row["label"], "crowd" if row["crowd"] else None]
        words += [] if sure is None else [f"{sure:.2f}"]
        layer = self.layers.index(row["layer"])
        # over the box, or under it in every second layer, so that two layers can be read
        line = text_size(size)
        y = row["y"] - line / 2 if layer % 2 == 0 else row["y"] + row["height"] + line / 2
        return Mark(
            layer=layer,
            shape=shape,
            path=path,
            text=" ".join(word for word in words if word),
            x=round(max(row["x"], 0.0), 1),
            y=round(min(max(y, line / 2), size[1] - line / 2), 1),
            faint=row["annotation_id"] in self._faint,
        )


def text_size(size: tuple[int, int]) -> float:
    """Return the height of texts on a picture of that size, in its pixels."""
    return max(size) / 60


def path_of(row: Mapping[str, Any], size: tuple[int, int]) -> tuple[str, str]:
    """Return how an annotation is drawn, `box`, `outline` or `mask`, and its SVG path.

    Outlines keep at most 100 points a ring and masks 48 columns, which is as fine as a page shows.

    >>> box = {"x": 1.0, "y": 2.0, "width": 3.5, "height": 4.0, "polygon": None, "mask": None}
    >>> path_of({**box, "keypoints": None}, (100, 100))
    ('box', 'M1 2h3.5v4h-3.5z')
    """
    if row["polygon"]:
        return "outline", "".join(map(_ring, row["polygon"]))
    if row["mask"]:
        return "mask", _columns(row["mask"], size[1])
    x, y, width, height = (row[name] for name in ("x", "y", "width", "height"))
    path = f"M{_short(x)} {_short(y)}h{_short(width)}v{_short(height)}h{_short(-width)}z"
    points = row["keypoints"] or []
    dots = zip(points[::3], points[1::3], points[2::3], strict=True)
    return "box", path + "".join(f"M{_short(a)} {_short(b)}h0" for a, b, seen in dots if seen > 0)


def _ring(numbers: Sequence[float]) -> str:
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    step = -(-len(points) // _MOST_POINTS)
    places = [f"{_short(x)} {_short(y)}" for x, y in points[::step]]
    return f"M{'L'.join(places)}z" if places else ""


def _columns(code: str, height: int) -> str:
    """Return a mask as upright bars, each as broad as the columns that it stands for."""
    ends = np.cumsum(read_counts(code))
    first, last = ends[:-1:2], ends[1::2]
    first = first[: len(last)]
    if not len(first):
        return ""
    left, right = int(first[0] // height), int((last[-1] - 1) // height)
    step = -(-(right - left + 1) // _MASK_COLUMNS)
    bars = []
    for x in range(left, right + 1, step):
        low, high = x * height, (x + 1) * height
        inside = (last > low) & (first < high)
        tops = np.maximum(first[inside], low) - low
        tall = np.minimum(last[inside], high) - low - tops
        for top, length in zip(tops.tolist(), tall.tolist(), strict=True):
            if length > 0:
                bars.append(f"M{x} {top}h{step}v{length}h-{step}z")
    return "".join(bars)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")

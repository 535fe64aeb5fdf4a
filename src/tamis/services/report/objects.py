"""What a report says of annotations: layers, classes, and how many and how large objects are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.samples import Kind
from tamis.services.info.objects import layer_objects
from tamis.services.report.contents import Figure, Histogram, Marker, Objects, Table
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.dataset.samples import Samples
    from tamis.services.info.objects import LayerObjects

__all__ = ["objects"]

_BINS: Final = 40
_CLASSES: Final = 50


def objects(samples: Samples) -> Objects | None:
    """Describe the annotations; None where there are none.

    Classes and histograms are of the ground truth, or of the largest layer where that has none.
    """
    table = samples.store.annotations(["layer", "sample_id", "x"])
    if not table.num_rows:
        return None
    placed = table.filter(pc.is_valid(table.column("x")))
    names = pc.value_counts(placed.column("layer").combine_chunks()).to_pylist()
    order = sorted(names, key=lambda one: (one["values"] != TRUTH, -one["counts"], one["values"]))
    pictures = samples.of(kind=Kind.WHOLE).count()
    shown = layer_objects(samples.store, order[0]["values"]) if order else None
    grouped = table.group_by("layer").aggregate(
        [("sample_id", "count"), ("sample_id", "count_distinct"), ("x", "count")]
    )
    rows = [
        (
            row["layer"],
            (
                f"{row['sample_id_count']:,}",
                f"{row['x_count']:,}",
                f"{row['sample_id_count_distinct']:,}",
                f"{pictures - row['sample_id_count_distinct']:,}",
            ),
        )
        for row in sorted(
            grouped.to_pylist(), key=lambda row: (row["layer"] != TRUTH, row["layer"])
        )
    ]
    all_pictures = pc.count_distinct(table.column("sample_id")).as_py()
    layers = Table(
        caption="Layers",
        corner="layer",
        columns=("annotations", "with a place", "pictures", "pictures without"),
        rows=tuple(rows),
        totals=(
            f"{table.num_rows:,}",
            f"{placed.num_rows:,}",
            f"{all_pictures:,}",
            f"{pictures - all_pictures:,}",
        ),
        explanation="What each layer says, and how many pictures it says nothing of.",
    )
    if shown is None:
        return Objects(layers)
    return Objects(layers, _classes(shown), _figures(shown, pictures), _charts(shown, pictures))


def _figures(shown: LayerObjects, pictures: int) -> tuple[Figure, ...]:
    bare = pictures - len(shown.each)
    sizes = " · ".join(f"{name} {count:,}" for name, count in shown.sizes.items())
    return (
        Figure(
            "Objects a picture",
            f"{float(np.median(shown.each)):g}",
            f"Median of the pictures that have any in {shown.layer}; the most is "
            f"{int(shown.each.max())}.",
        ),
        Figure("Without objects", f"{bare:,}", f"Pictures of which {shown.layer} has no object."),
        Figure(
            "Sizes", sizes, "Objects below 32 x 32 pixels, up to 96 x 96, and above, by their box."
        ),
    )


def _classes(shown: LayerObjects) -> Table:
    total = sum(shown.classes.values())

    def cells(count: int, pictures: int) -> tuple[str, ...]:
        return f"{count:,}", f"{100 * count / max(total, 1):.1f} %", f"{pictures:,}"

    names = [*shown.classes]
    rows = [
        (name, cells(shown.classes[name], shown.pictures_of[name])) for name in names[:_CLASSES]
    ]
    if rest := names[_CLASSES:]:
        count = sum(shown.classes[name] for name in rest)
        rows.append((f"{len(rest):,} more classes", (*cells(count, 0)[:2], "")))
    return Table(
        caption=f"Classes in {shown.layer}",
        corner="class",
        columns=("objects", "share", "pictures"),
        rows=tuple(rows),
        totals=cells(total, len(shown.each)),
        explanation=f"{counted(len(names), 'class')}, most frequent first.",
    )


def _charts(shown: LayerObjects, pictures: int) -> tuple[Histogram, ...]:
    most = int(shown.each.max())
    # one bin a number where they fit
    width = max(1, -(-(most + 1) // _BINS))
    bins = -(-(most + 1) // width)
    counts = np.bincount(shown.each // width, minlength=bins)
    counts[0] += pictures - len(shown.each)
    each = Histogram(
        title="Objects a picture",
        explanation=f"How many pictures have how many objects in {shown.layer}.",
        low=0.0,
        high=float(bins * width),
        counts=tuple(counts.tolist()),
        axis="objects",
    )
    far = float(np.quantile(shown.sides, 0.995)) or 1.0
    sides, _ = np.histogram(np.minimum(shown.sides, far), bins=_BINS, range=(0.0, far))
    marks = ((32.0, "small below 32"), (96.0, "large above 96"))
    size = Histogram(
        title="Size of objects",
        explanation=(
            "The square root of each object's box in pixels; the largest half percent stands in "
            "the last bar. A detector sees pictures scaled, so small objects may vanish."
        ),
        low=0.0,
        high=far,
        counts=tuple(sides.tolist()),
        axis="pixels",
        markers=tuple(Marker(place, name) for place, name in marks if place < far),
    )
    return each, size

"""A layer's objects or classes of some pictures, as arrays."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.mask_pairs import boxes_of_masks
from tamis.algo.detection.objects import Objects
from tamis.algo.detection.run_masks import RunMask
from tamis.algo.run_lengths import read_counts
from tamis.dataset.columns import equal, known, one_of
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store

__all__ = ["Task", "objects_of", "rows_of", "same_keypoints", "with_labels"]

Task: TypeAlias = Literal["boxes", "masks", "keypoints", "classes"]

_KINDS: Final[dict[Task, str]] = {
    "boxes": one_of("kind", ["box", "rotated_box", "polygon", "mask", "keypoints"]),
    "masks": f"({known('mask')} OR {known('polygon')})",
    "keypoints": known("keypoints"),
    "classes": equal("kind", "classification"),
}
_SHAPES: Final[dict[Task, list[str]]] = {"masks": ["mask", "polygon"], "keypoints": ["keypoints"]}
_PLACE: Final = ("x", "y", "width", "height")


def rows_of(store: Store, layer: str, ids: Sequence[str], task: Task) -> pa.Table:
    """Return what a task compares of a layer, in an order that is always the same.

    Args:
        store: the dataset.
        layer: the layer.
        ids: of the samples, ascending; the column `picture` has their numbers.
        task: what is compared.
    """
    columns = ["annotation_id", "sample_id", "label", "confidence"]
    columns += [] if task == "classes" else [*_PLACE, "crowd", "source", *_SHAPES.get(task, [])]
    condition = all_of(equal("layer", layer), _KINDS[task], known("label"))
    table = store.annotations(columns, condition)
    at = pc.index_in(table.column("sample_id"), value_set=pa.array(ids, pa.string()))
    table = table.append_column("picture", at).filter(at.is_valid())
    return table.sort_by([("picture", "ascending"), ("annotation_id", "ascending")])


def with_labels(classes: pa.Table, labels: pa.ChunkedArray) -> pa.Table:
    """Add the classes of parts of pictures, which have them in the samples' `label` alone.

    Args:
        classes: as `rows_of` returns them.
        labels: of each sample, in the order of their numbers.
    """
    known_ones = set(classes.column("picture").to_pylist())
    values = labels.to_pylist()
    at = [
        number
        for number, label in enumerate(values)
        if label is not None and number not in known_ones
    ]
    rows = pa.table(
        {
            "picture": pa.array(at, pa.int32()),
            "label": pa.array([values[number] for number in at], pa.string()),
        }
    )
    return pa.concat_tables([classes, rows], promote_options="permissive")


def same_keypoints(true: pa.Table, predicted: pa.Table) -> tuple[pa.Table, pa.Table, int]:
    """Return the rows with as many keypoints as most true ones have, and how many others are."""
    counts = [pc.list_value_length(side.column("keypoints")) for side in (true, predicted)]
    most = Counter(counts[0].to_pylist()).most_common(1)[0][0] if len(true) else 0
    sides = [
        side.filter(pc.equal(count, most))
        for side, count in zip((true, predicted), counts, strict=True)
    ]
    return sides[0], sides[1], len(true) + len(predicted) - len(sides[0]) - len(sides[1])


def objects_of(
    table: pa.Table, labels: Sequence[str], task: Task, sizes: pa.Table, *, true: bool
) -> Objects:
    """Return rows as objects.

    A true object's area is what its source says; else, and of predictions, that of what is
    compared.

    Args:
        table: as `rows_of` returns it.
        labels: all classes, sorted.
        task: what is compared.
        sizes: width and height of each picture, by its number.
        true: whether they are the truth.
    """
    numbers = pc.index_in(table.column("label"), value_set=pa.array(labels, pa.string()))
    picture = _column(table, "picture", np.int64, 0)
    box = np.stack([_column(table, name, float, 0.0) for name in _PLACE], axis=1)
    area = box[:, 2] * box[:, 3]
    masks = keypoints = None
    if task == "masks":
        masks = _masks(table, picture, sizes)
        height = _column(sizes, "height", np.int64, 1)[picture]
        box = boxes_of_masks(masks, height)
        area = np.array([mask.area for mask in masks], float)
    elif task == "keypoints":
        flat = table.column("keypoints").combine_chunks().flatten().to_numpy()
        keypoints = np.asarray(flat, float).reshape(len(table), -1, 3)
        if not true and keypoints.size:
            low, high = keypoints[..., :2].min(axis=1), keypoints[..., :2].max(axis=1)
            area = np.prod(high - low, axis=1)
    return Objects(
        picture=picture,
        label=np.asarray(numbers.to_numpy(), np.int64),
        box=box,
        score=_column(table, "confidence", float, 1.0),
        area=_said_areas(table, area) if true else area,
        crowd=_column(table, "crowd", bool, False) & true,  # noqa: FBT003 - a value
        masks=masks,
        keypoints=keypoints,
    )


def _column(table: pa.Table, name: str, kind: Any, absent: Any) -> NDArray[Any]:
    return np.asarray(table.column(name).fill_null(absent).to_numpy(), kind)


def _masks(table: pa.Table, picture: NDArray[np.int64], sizes: pa.Table) -> NDArray[np.object_]:
    found = np.empty(len(table), object)
    across, down = (_column(sizes, name, np.int64, 1) for name in ("width", "height"))
    codes, outlines = (table.column(name).to_pylist() for name in ("mask", "polygon"))
    drawn = [at for at, code in enumerate(codes) if code is None]
    of_drawn = np.stack([across, down], axis=1)[picture[drawn]]
    masks = RunMask.of_outlines([outlines[at] for at in drawn], of_drawn)
    for at, mask in zip(drawn, masks, strict=True):
        found[at] = mask
    for at, code in enumerate(codes):
        if code is not None:
            found[at] = RunMask.of_counts(read_counts(code))
    return found


def _said_areas(table: pa.Table, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    found = areas.copy()
    said = pc.match_substring(table.column("source"), '"area"').fill_null(False)  # noqa: FBT003
    for at in np.flatnonzero(said.to_numpy()):
        area = json.loads(table.column("source")[int(at)].as_py()).get("area")
        if isinstance(area, int | float):
            found[at] = area
    return found

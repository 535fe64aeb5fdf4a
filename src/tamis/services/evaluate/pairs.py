"""Truths and predictions of a dataset as arrays, and which belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.average_precision import Boxes
from tamis.algo.detection.outcomes import outcomes
from tamis.dataset.columns import equal, known, one_of
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store

__all__ = ["Pairs", "boxes_of", "paired_boxes", "paired_classes", "rows_of", "with_labels"]

_BOXES = all_of(
    one_of("kind", ["box", "rotated_box", "polygon", "mask", "keypoints"]), known("label")
)
_CLASSES = all_of(equal("kind", "classification"), known("label"))


@dataclass(frozen=True)
class Pairs:
    """Each truth and each prediction once, a pair where they belong together.

    Attributes:
        picture: number of the picture, `[N]`.
        truth: number of the true class, `[N]`; -1 where nothing is.
        predicted: number of the predicted class, `[N]`; -1 where it was missed.
    """

    picture: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]

    def of(self, pictures: NDArray[np.bool_]) -> Pairs:
        """Return those of some pictures, `[pictures]`."""
        chosen = pictures[self.picture]
        return Pairs(self.picture[chosen], self.truth[chosen], self.predicted[chosen])


def rows_of(store: Store, layer: str, ids: Sequence[str], *, boxes: bool) -> pa.Table:
    """Return a layer's boxes or classes of some samples, in an order that is always the same."""
    columns = ["annotation_id", "sample_id", "label", "confidence"]
    columns += ["x", "y", "width", "height", "crowd", "source"] if boxes else []
    kind = _BOXES if boxes else _CLASSES
    table = store.annotations(columns, f"layer = '{layer}' AND {kind}")
    at = pc.index_in(table.column("sample_id"), value_set=pa.array(ids, pa.string()))
    table = table.append_column("picture", at).filter(at.is_valid())
    return table.sort_by([("picture", "ascending"), ("annotation_id", "ascending")])


def with_labels(classes: pa.Table, labels: pa.ChunkedArray) -> pa.Table:
    """Add the classes of pictures that have one in the samples' `label` alone.

    Args:
        classes: as `rows_of` returns them.
        labels: of each sample, in the order of their numbers.
    """
    known = set(classes.column("picture").to_pylist())
    values = labels.to_pylist()
    at = [
        number for number, label in enumerate(values) if label is not None and number not in known
    ]
    rows = pa.table(
        {
            "picture": pa.array(at, pa.int32()),
            "label": pa.array([values[number] for number in at], pa.string()),
        }
    )
    return pa.concat_tables([classes, rows], promote_options="permissive")


def boxes_of(table: pa.Table, labels: Sequence[str]) -> Boxes:
    """Return rows as boxes; an object's area is what its source says, else its box's."""

    def column(name: str, kind: Any, absent: Any) -> NDArray[Any]:
        filled = table.column(name).fill_null(absent)
        return np.asarray(filled.to_numpy(), kind)

    box = np.stack([column(name, float, 0.0) for name in ("x", "y", "width", "height")], axis=1)
    numbers = pc.index_in(table.column("label"), value_set=pa.array(labels, pa.string()))
    return Boxes(
        picture=column("picture", np.int64, 0),
        label=np.asarray(numbers.to_numpy(), np.int64),
        box=box,
        score=column("confidence", float, 1.0),
        area=_areas(table, box),
        crowd=column("crowd", bool, False),  # noqa: FBT003 - a value
    )


def _areas(table: pa.Table, box: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = box[:, 2] * box[:, 3]
    said = pc.match_substring(table.column("source"), '"area"').fill_null(False)  # noqa: FBT003
    for at in np.flatnonzero(said.to_numpy()):
        area = json.loads(table.column("source")[int(at)].as_py()).get("area")
        if isinstance(area, int | float):
            areas[at] = area
    return areas


def paired_boxes(true: Boxes, predicted: Boxes, overlap: float) -> Pairs:
    """Pair boxes that overlap enough; crowds and what lies in them are left out."""
    found = outcomes(true, predicted, overlap)
    missed = (found.true == -1) & ~true.crowd
    made = found.predicted != -2  # noqa: PLR2004 - in a crowd
    partner = found.predicted[made]
    truth = np.where(partner >= 0, true.label[partner] if len(true.label) else -1, -1)
    gone = int(missed.sum())
    return Pairs(
        np.concatenate([predicted.picture[made], true.picture[missed]]),
        np.concatenate([truth, true.label[missed]]),
        np.concatenate([predicted.label[made], np.full(gone, -1)]),
    )


def paired_classes(true: pa.Table, predicted: pa.Table, labels: Sequence[str]) -> Pairs:
    """Pair the first class of each picture that has one in truth with its likeliest prediction."""
    names = {name: number for number, name in enumerate(labels)}
    truth: dict[int, int] = {}
    for row in true.select(["picture", "label"]).to_pylist():
        truth.setdefault(row["picture"], names[row["label"]])
    best: dict[int, tuple[float, int]] = {}
    for row in predicted.select(["picture", "label", "confidence"]).to_pylist():
        score = 1.0 if row["confidence"] is None else row["confidence"]
        if row["picture"] not in best or score > best[row["picture"]][0]:
            best[row["picture"]] = score, names[row["label"]]
    pictures = sorted(truth)
    return Pairs(
        np.array(pictures, np.int64),
        np.array([truth[one] for one in pictures], np.int64),
        np.array([best.get(one, (0.0, -1))[1] for one in pictures], np.int64),
    )

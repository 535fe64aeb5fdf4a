"""Average precision of detections, as COCO defines it.

Source: `COCOeval` of the COCO API (Lin et al., 2014). Predictions of a class in a picture are taken
by falling confidence; each is matched with the free true box that it overlaps most. Crowds and
boxes outside of a range of sizes are ignored: what is matched with them is neither right nor wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.detection.overlap import overlaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["SIZES", "THRESHOLDS", "Boxes", "Evaluation", "evaluate_boxes"]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Intersections over union that count as a match."""

SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2)}
SIZES |= {"large": (96.0**2, 1e10)}
"""Ranges of areas in pixels, both ends inside."""

_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST = 100


@dataclass(frozen=True)
class Boxes:
    """Boxes of many pictures.

    Attributes:
        picture: number of the picture, `[N]` int.
        label: number of the class, `[N]` int.
        box: x, y, width and height in pixels, `[N, 4]`.
        score: confidence, `[N]`; of true boxes it does not matter.
        area: of the object in pixels, `[N]`, which tells its size.
        crowd: whether a true box marks a crowd, `[N]`.
    """

    picture: NDArray[np.int64]
    label: NDArray[np.int64]
    box: NDArray[np.float64]
    score: NDArray[np.float64]
    area: NDArray[np.float64]
    crowd: NDArray[np.bool_]

    def chosen(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Boxes:
        """Return some of them."""
        return Boxes(
            self.picture[rows],
            self.label[rows],
            self.box[rows],
            self.score[rows],
            self.area[rows],
            self.crowd[rows],
        )


@dataclass(frozen=True)
class Evaluation:
    """Average precision and recall by threshold, class and size.

    Attributes:
        precision: average precision, `[10, C, 4]` by `THRESHOLDS`, class and `SIZES`; nan where
            there is no true box.
        recall: of at most 100 predictions a picture and class, likewise.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    def mean(self, size: str = "all", threshold: int | None = None) -> float:
        """Return the mean average precision of a size, over all thresholds or at one; nan if none.

        Args:
            size: one of `SIZES`.
            threshold: its place in `THRESHOLDS`.
        """
        chosen = self.precision[..., list(SIZES).index(size)]
        return _mean(chosen if threshold is None else chosen[threshold])

    def mean_recall(self, size: str = "all") -> float:
        """Return the mean recall of a size over all thresholds; nan if there is no true box."""
        return _mean(self.recall[..., list(SIZES).index(size)])

    def by_class(self, threshold: int | None = None) -> NDArray[np.float64]:
        """Return the average precision of each class, `[C]`, over all thresholds or at one."""
        chosen = self.precision[..., 0]
        found: NDArray[np.float64] = chosen.mean(axis=0) if threshold is None else chosen[threshold]
        return found


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def evaluate_boxes(true: Boxes, predicted: Boxes, classes: int) -> Evaluation:
    """Compare predicted boxes with true ones.

    Takes about 0.2 ms of one core for each class of each picture.

    Args:
        true: what there is.
        predicted: what was found.
        classes: how many classes there are, `C`.
    """
    shape = len(THRESHOLDS), classes, len(SIZES)
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    for label, groups in _by_class(true, predicted, classes):
        matched = [_match(t, p) for t, p in groups]
        scores = np.concatenate([one.score for one in matched])
        order = np.argsort(-scores, kind="mergesort")
        for size in range(len(SIZES)):
            wanted = sum(int(one.wanted[size]) for one in matched)
            if not wanted:
                continue
            right = np.concatenate([one.right[size] for one in matched], axis=1)[:, order]
            wrong = np.concatenate([one.wrong[size] for one in matched], axis=1)[:, order]
            for at in range(len(THRESHOLDS)):
                values = _average(right[at], wrong[at], wanted)
                precision[at, label, size], recall[at, label, size] = values
    return Evaluation(precision, recall)


def _by_class(
    true: Boxes, predicted: Boxes, classes: int
) -> Iterator[tuple[int, list[tuple[Boxes, Boxes]]]]:
    """Yield each class that has a box with its boxes picture by picture."""
    sides = []
    for boxes in (true, predicted):
        order = np.lexsort((boxes.picture, boxes.label))
        sides.append(boxes.chosen(order))
    bounds = [np.searchsorted(side.label, np.arange(classes + 1)) for side in sides]
    for label in range(classes):
        of_class = [
            side.chosen(np.arange(bound[label], bound[label + 1]))
            for side, bound in zip(sides, bounds, strict=True)
        ]
        pictures = np.union1d(of_class[0].picture, of_class[1].picture)
        groups = list(zip(*(_split(one, pictures) for one in of_class), strict=True))
        if groups:
            yield label, [(first, second) for first, second in groups]


def _split(boxes: Boxes, pictures: NDArray[np.int64]) -> list[Boxes]:
    """Return the boxes of each picture; they come sorted by picture."""
    first = np.searchsorted(boxes.picture, pictures)
    last = np.searchsorted(boxes.picture, pictures, "right")
    return [boxes.chosen(np.arange(a, b)) for a, b in zip(first, last, strict=True)]


@dataclass(frozen=True)
class _Matched:
    """Predictions of a class in a picture, by falling confidence.

    Attributes:
        score: `[P]`.
        right: for each size `[10, P]`.
        wrong: likewise.
        wanted: true boxes of each size.
    """

    score: NDArray[np.float64]
    right: list[NDArray[np.bool_]]
    wrong: list[NDArray[np.bool_]]
    wanted: list[int]


def _match(true: Boxes, predicted: Boxes) -> _Matched:
    order = np.argsort(-predicted.score, kind="mergesort")[:_MOST]
    predicted = predicted.chosen(order)
    shared = overlaps(predicted.box, true.box, true.crowd)
    right, wrong, wanted = [], [], []
    for low, high in SIZES.values():
        ignored = true.crowd | (true.area < low) | (true.area > high)
        found, passed_over = _assigned(shared, ignored, true.crowd)
        outside = (predicted.area < low) | (predicted.area > high)
        passed_over |= ~found & outside[None]
        right.append(found & ~passed_over)
        wrong.append(~found & ~passed_over)
        wanted.append(int(np.count_nonzero(~ignored)))
    return _Matched(predicted.score, right, wrong, wanted)


def _assigned(
    shared: NDArray[np.float64], ignored: NDArray[np.bool_], crowd: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Match predictions, best first, at every threshold.

    Args:
        shared: overlaps, `[P, T]`.
        ignored: true boxes that do not count, `[T]`.
        crowd: those that many may match, `[T]`.

    Returns:
        for each threshold and prediction `[10, P]` whether it is matched, and whether with a box
        that does not count.
    """
    count, true = shared.shape
    levels = np.arange(len(THRESHOLDS))
    found = np.zeros((len(levels), count), bool)
    passed_over = np.zeros_like(found)
    if not true:
        return found, passed_over
    free = np.ones((len(levels), true), bool)
    enough = np.minimum(THRESHOLDS, 1 - 1e-10)[:, None]
    for number in range(count):
        overlap = shared[number]
        if overlap.max() < enough[0, 0]:
            continue
        able = (overlap[None] >= enough) & (free | crowd[None])
        counts = able & ~ignored[None]
        # one that counts comes first, however much another overlaps
        able = np.where(counts.any(axis=1, keepdims=True), counts, able)
        values = np.where(able, overlap[None], -1.0)
        best = true - 1 - np.argmax(values[:, ::-1], axis=1)  # of equal ones the last
        hit = values[levels, best] >= 0
        found[:, number] = hit
        passed_over[:, number] = hit & ignored[best]
        free[levels[hit], best[hit]] = False
    return found, passed_over


def _average(
    right: NDArray[np.bool_], wrong: NDArray[np.bool_], wanted: int
) -> tuple[float, float]:
    """Return the average precision at 101 recalls, and the recall of all predictions."""
    hits, misses = np.cumsum(right, dtype=float), np.cumsum(wrong, dtype=float)
    if not hits.size:
        return 0.0, 0.0
    recalls = hits / wanted
    precisions = hits / (hits + misses + np.spacing(1))
    envelope = np.maximum.accumulate(precisions[::-1])[::-1]
    at = np.searchsorted(recalls, _RECALLS, side="left")
    reached = at < len(envelope)
    return float(envelope[at[reached]].sum() / len(_RECALLS)), float(recalls[-1])

"""How much a predicted object and a true one are alike: boxes, masks or keypoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.detection.mask_pairs import shared_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.detection.objects import Objects

__all__ = ["box_overlaps", "overlaps"]

_SPREADS: Final = (
    np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
)
"""How far people disagree on each of COCO's 17 keypoints, relative to the object's size."""

_ANY_SPREAD: Final = 0.05
"""Of keypoints that are not COCO's."""


def overlaps(
    predicted: Objects,
    true: Objects,
    p: NDArray[np.int64],
    t: NDArray[np.int64],
    least: float = 0.0,
) -> NDArray[np.float64]:
    """Return how much pairs of objects of one picture are alike, `[n]` in [0, 1].

    Masks are compared where both sides have them, else keypoints, else boxes. The measure is
    intersection over union; with a crowd intersection over the predicted object's area, since
    many predictions may lie in one crowd; of keypoints COCO's object keypoint similarity.

    Args:
        predicted: what was found.
        true: what there is.
        p: rows of `predicted`, `[n]`.
        t: rows of `true`, `[n]`.
        least: of masks that surely overlap less, 0 is returned.
    """
    if predicted.keypoints is not None and true.keypoints is not None:
        return _keypoint_similarity(predicted, true, p, t)
    found = box_overlaps(predicted.box[p], true.box[t], true.crowd[t])
    if predicted.masks is None or true.masks is None:
        return found
    found = np.where(_most_shared(predicted, true, p, t) >= least, found, 0.0)
    near = np.flatnonzero(found > 0)
    shared = shared_pixels(predicted.masks, true.masks, p[near], t[near])
    own, others = _areas(predicted)[p[near]], _areas(true)[t[near]]
    whole = np.where(true.crowd[t[near]], own, own + others - shared)
    found[near] = np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)
    return found


def _most_shared(
    predicted: Objects, true: Objects, p: NDArray[np.int64], t: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what the overlap of masks cannot exceed, by their boxes and areas, `[n]`."""
    one, other = predicted.box[p], true.box[t]
    ends = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:]) + 1
    sides = np.clip(ends - np.maximum(one[:, :2], other[:, :2]) + 1, 0, None)  # a pixel around
    areas = [_areas(side)[rows] for side, rows in ((predicted, p), (true, t))]
    shared = np.minimum(sides[:, 0] * sides[:, 1], np.minimum(*areas))
    whole = np.where(true.crowd[t], areas[0], areas[0] + areas[1] - shared)
    return np.asarray(shared / np.maximum(whole, 1), np.float64)


def _areas(side: Objects) -> NDArray[np.float64]:
    assert side.masks is not None
    return np.array([mask.area for mask in side.masks], float)


def box_overlaps(
    predicted: NDArray[np.float64], true: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the overlap of pairs of boxes `x, y, width, height`, `[n]`, as `overlaps` does.

    Args:
        predicted: `[n, 4]`.
        true: `[n, 4]`.
        crowd: `[n]`.
    """
    ends = np.minimum(predicted[:, :2] + predicted[:, 2:], true[:, :2] + true[:, 2:])
    sides = np.clip(ends - np.maximum(predicted[:, :2], true[:, :2]), 0, None)
    shared = sides[:, 0] * sides[:, 1]
    own = predicted[:, 2] * predicted[:, 3]
    whole = np.where(crowd, own, own + true[:, 2] * true[:, 3] - shared)
    found: NDArray[np.float64] = np.divide(
        shared, whole, out=np.zeros_like(shared), where=whole > 0
    )
    return found


def _keypoint_similarity(
    predicted: Objects, true: Objects, p: NDArray[np.int64], t: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the object keypoint similarity of pairs.

    Where the truth marks no keypoint, the distance is that to a box of three times its size.
    """
    assert predicted.keypoints is not None
    assert true.keypoints is not None
    points, meant = predicted.keypoints[p, :, :2], true.keypoints[t]
    spreads = _SPREADS if meant.shape[1] == len(_SPREADS) else np.full(meant.shape[1], _ANY_SPREAD)
    marked: NDArray[np.bool_] = np.asarray(meant[..., 2] > 0)
    box = true.box[t]
    low, high = (box[:, :2] - box[:, 2:])[:, None], (box[:, :2] + 2 * box[:, 2:])[:, None]
    outside = np.maximum(0, low - points) + np.maximum(0, points - high)
    blank: NDArray[np.bool_] = np.asarray(~marked.any(axis=1))
    apart = np.where(blank[:, None, None], outside, points - meant[..., :2])
    error = (apart**2).sum(axis=2) / (2 * spreads) ** 2
    error = error / (true.area[t] + np.spacing(1))[:, None] / 2
    counted = marked | blank[:, None]
    total = np.where(counted, np.exp(-error), 0).sum(axis=1)
    return np.asarray(total / np.maximum(counted.sum(axis=1), 1), np.float64)

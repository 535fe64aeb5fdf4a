"""Which predicted box is meant by which true one, whatever their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.detection.overlap import overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.detection.average_precision import Boxes

__all__ = ["Outcomes", "outcomes"]


@dataclass(frozen=True)
class Outcomes:
    """Which predicted box is meant by which true one.

    Attributes:
        true: for each true box the predicted one that lies there, `[T]`; -1 if it was missed.
        predicted: for each predicted box the true one, `[P]`; -1 if nothing is there, -2 if it
            lies in a crowd and does not count.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]


def outcomes(true: Boxes, predicted: Boxes, threshold: float) -> Outcomes:
    """Match boxes picture by picture, whatever their classes; those of one class first.

    Args:
        true: what there is.
        predicted: what was found, all with enough confidence.
        threshold: least intersection over union.
    """
    of_true = np.full(len(true.picture), -1, np.int64)
    of_predicted = np.full(len(predicted.picture), -1, np.int64)
    by_picture = [np.argsort(side.picture, kind="stable") for side in (true, predicted)]
    sorted_pictures = [true.picture[by_picture[0]], predicted.picture[by_picture[1]]]
    for picture in np.unique(predicted.picture):
        rows, guesses = (
            order[np.searchsorted(of, picture) : np.searchsorted(of, picture, "right")]
            for order, of in zip(by_picture, sorted_pictures, strict=True)
        )
        guesses = guesses[np.argsort(-predicted.score[guesses], kind="stable")]
        shared = overlaps(predicted.box[guesses], true.box[rows], true.crowd[rows])
        alike = predicted.label[guesses][:, None] == true.label[rows][None]
        crowd = true.crowd[rows]
        for may_meet in (alike, ~alike):
            able = np.where(may_meet & ~crowd[None], shared, -1.0)
            for number, guess in enumerate(guesses):
                if of_predicted[guess] != -1 or not rows.size:
                    continue
                free = np.where(of_true[rows] == -1, able[number], -1.0)
                best = int(np.argmax(free))
                if free[best] >= threshold:
                    of_predicted[guess], of_true[rows[best]] = rows[best], guess
        inside = (shared >= threshold)[:, crowd].any(axis=1)
        of_predicted[guesses[inside & (of_predicted[guesses] == -1)]] = -2
    return Outcomes(of_true, of_predicted)

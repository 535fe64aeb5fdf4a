"""Which predicted object is meant by which true one, whatever their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.detection.assignment import assigned, candidates, ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.detection.objects import Objects

__all__ = ["IN_CROWD", "Outcomes", "outcomes"]

IN_CROWD = -2
"""Stands for the partner of a prediction that lies in a crowd."""


@dataclass(frozen=True)
class Outcomes:
    """Which predicted object is meant by which true one.

    Attributes:
        true: for each true object the predicted one that lies there, `[T]`; -1 if it was missed.
        predicted: for each predicted object the true one, `[P]`; -1 if nothing is there,
            `IN_CROWD` if it lies in a crowd and does not count.
        overlap: of each predicted object with its partner, `[P]`; 0 without one.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    overlap: NDArray[np.float64]


def outcomes(true: Objects, predicted: Objects, threshold: float) -> Outcomes:
    """Match objects picture by picture, whatever their classes; those of one class first.

    Args:
        true: what there is.
        predicted: what was found, all with enough confidence.
        threshold: least overlap.
    """
    pairs = candidates(true, predicted, (true.picture, predicted.picture), threshold)
    rank = ranks(predicted.picture, predicted.score)
    aside = true.left_aside
    least = np.array([threshold])
    none = np.zeros(len(true), bool)
    meant = pairs.chosen(~aside[pairs.true])
    alike = predicted.label[meant.predicted] == true.label[meant.true]
    of_predicted = assigned(meant.chosen(alike), rank, least, none, none)[0]
    taken = np.zeros(len(true), bool)
    taken[of_predicted[of_predicted >= 0]] = True
    left = ~alike & (of_predicted[meant.predicted] < 0) & ~taken[meant.true]
    others = assigned(meant.chosen(left), rank, least, none, none)[0]
    of_predicted = np.where(of_predicted < 0, others, of_predicted)
    overlap = np.zeros(len(predicted))
    partner = of_predicted[pairs.predicted] == pairs.true
    overlap[pairs.predicted[partner]] = pairs.overlap[partner]
    inside = np.zeros(len(predicted), bool)
    inside[pairs.predicted[aside[pairs.true]]] = True
    of_predicted[inside & (of_predicted < 0)] = IN_CROWD
    of_true = np.full(len(true), -1, np.int64)
    matched = np.flatnonzero(of_predicted >= 0)
    of_true[of_predicted[matched]] = matched
    return Outcomes(of_true, of_predicted, overlap)

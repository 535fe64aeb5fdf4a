"""What is the matter with a suspect label: wrong, ambiguous, of no class, one of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["KINDS", "LabelKind", "class_thresholds", "far_rows", "tell_kinds", "torn_groups"]

LabelKind = Literal["sound", "wrong", "ambiguous", "out of class", "duplicate"]
KINDS: Final[tuple[LabelKind, ...]] = get_args(LabelKind)

_NEAREST: Final = 10


def class_thresholds(belief: NDArray[np.float64], classes: Indices) -> NDArray[np.float64]:
    """Return `[K]`, the mean probability of a class among the rows labelled so (Northcutt 2021)."""
    counts = np.bincount(classes, minlength=belief.shape[1])
    own = np.bincount(
        classes, weights=belief[np.arange(classes.size), classes], minlength=belief.shape[1]
    )
    thresholds: NDArray[np.float64] = np.divide(
        own, counts, out=np.ones(counts.size), where=counts > 0
    )
    return thresholds


def far_rows(similarities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows are far from all others: `[N]`, beyond Tukey's upper fence.

    By the mean distance to the ten nearest: over the upper quartile by one and a half times the
    distance between quartiles.
    """
    if similarities.shape[1] == 0:
        return np.zeros(len(similarities), np.bool_)
    distance = 1.0 - similarities[:, :_NEAREST].mean(axis=1)
    low, high = np.quantile(distance, [0.25, 0.75])
    far: NDArray[np.bool_] = distance > high + 1.5 * (high - low)
    return far


def torn_groups(groups: Indices, classes: Indices) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Tell rows whose near-duplicates have other labels.

    Returns:
        Which rows `[N]` are outvoted in their group, or tied; and for each the share of the group
        that has another label.
    """
    _, group = np.unique(groups, return_inverse=True)
    n_classes = int(classes.max()) + 1
    pairs, pair, same = np.unique(
        group * n_classes + classes, return_inverse=True, return_counts=True
    )
    most = np.zeros(int(group.max()) + 1, np.int64)
    np.maximum.at(most, pairs // n_classes, same)
    leaders = np.bincount(pairs // n_classes, weights=same == most[pairs // n_classes])
    sizes = np.bincount(group)
    mine = same[pair]
    outvoted = (mine < most[group]) | (leaders[group] > 1)
    return outvoted, 1.0 - mine / sizes[group]


def tell_kinds(
    belief: NDArray[np.float64],
    classes: Indices,
    far: NDArray[np.bool_],
    torn: NDArray[np.bool_],
) -> tuple[NDArray[np.int8], Indices]:
    """Return the kind of each row, a number of `KINDS`, and the class suggested for it.

    A label is suspect where another class is likelier. It is wrong where that class is as likely
    as it is of rows labelled so, and its own is not; else ambiguous. A row that is as likely of
    no class, far from all others, is out of class. A row outvoted among its near-duplicates is a
    duplicate.

    Args:
        belief: `[N, K]` probabilities not drawn from the row's own label.
        classes: `[N]` labels.
        far: `[N]` as `far_rows` tells.
        torn: `[N]` as `torn_groups` tells.
    """
    row = np.arange(classes.size)
    sure = belief >= class_thresholds(belief, classes)
    others = belief.copy()
    others[row, classes] = -1.0
    suggested: Indices = others.argmax(axis=1)
    suspect = belief[row, suggested] > belief[row, classes]
    wrong = suspect & sure[row, suggested] & ~sure[row, classes]
    kinds = np.zeros(classes.size, np.int8)
    kinds[suspect] = KINDS.index("ambiguous")
    kinds[wrong] = KINDS.index("wrong")
    kinds[far & ~sure.any(axis=1)] = KINDS.index("out of class")
    kinds[torn] = KINDS.index("duplicate")
    return kinds, suggested

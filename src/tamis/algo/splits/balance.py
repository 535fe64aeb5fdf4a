"""How evenly a split covers labels and clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, issparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["SplitBalance", "split_balance"]


@dataclass(frozen=True)
class SplitBalance:
    """How a split represents all labels and clusters.

    Attributes:
        labels: how many labels occur in the split.
        labels_in_all: how many labels there are.
        clusters: how many clusters occur in the split.
        clusters_in_all: how many clusters there are.
        label_gap: largest difference between a label's share of labeled rows in the split and
            overall.
        cluster_gap: the same for clusters.
    """

    labels: int
    labels_in_all: int
    clusters: int
    clusters_in_all: int
    label_gap: float
    cluster_gap: float


def split_balance(
    inside: NDArray[np.bool_], labels: Indices | csr_array, clusters: Indices | csr_array
) -> SplitBalance:
    """Compare a split with all rows. O(N log N).

    Args:
        inside: `[N]`, which rows are in the split.
        labels: `[N]` label of each row, negative for none; or a sparse `[N, L]` matrix of ones if
            rows have several labels.
        clusters: the same for clusters.

    Example:
        >>> inside = np.array([True, False, False, False])
        >>> balance = split_balance(inside, np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]))
        >>> balance.labels, balance.labels_in_all, balance.label_gap
        (1, 2, 0.5)
    """
    held, held_in_all, label_gap = _compare(inside, labels)
    near, near_in_all, cluster_gap = _compare(inside, clusters)
    return SplitBalance(held, held_in_all, near, near_in_all, label_gap, cluster_gap)


def _compare(inside: NDArray[np.bool_], categories: Indices | csr_array) -> tuple[int, int, float]:
    if issparse(categories):
        of = csr_array(categories)
        labeled = np.diff(of.indptr) > 0
        everywhere, here = np.asarray(of.sum(axis=0)), np.asarray(of[inside].sum(axis=0))
    else:
        labeled = np.asarray(categories) >= 0
        names, number = np.unique(np.asarray(categories)[labeled], return_inverse=True)
        everywhere = np.bincount(number, minlength=names.size)
        here = np.bincount(number[inside[labeled]], minlength=names.size)
    rows = int(np.count_nonzero(inside & labeled))
    if rows == 0:
        return 0, int(everywhere.size), 0.0
    gap = np.abs(here / rows - everywhere / np.count_nonzero(labeled)).max()
    return int(np.count_nonzero(here)), int(everywhere.size), float(gap)

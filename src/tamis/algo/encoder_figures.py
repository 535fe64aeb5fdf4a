"""How good an encoder's vectors are: figures for each row, and the effective rank of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.exact_neighbors import exact_search
from tamis.algo.probe.heads import vote_shares
from tamis.algo.probe.logistic import LogisticProblem
from tamis.machine import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = [
    "distance_ranks",
    "effective_rank",
    "neighbor_votes",
    "partner_ranks",
    "probe_votes",
    "shared_neighbors",
]

_NEIGHBORS: Final = 10
_C: Final = 10.0
"""Of the probe: near what cross-validation chooses on vectors of many encoders."""


def effective_rank(X: Vectors) -> float:
    """Return RankMe: the exponential of the entropy of the singular values (Garrido et al. 2023).

    From 1, all rows in one line, to min(N, D). It falls when training lets vectors collapse.
    O(N D min(N, D)).

    Example:
        >>> round(effective_rank(np.eye(3, dtype=np.float32)), 4)
        3.0
    """
    values = np.linalg.svd(X.astype(np.float64), compute_uv=False)
    shares = values / max(float(values.sum()), 1e-12) + 1e-12
    return float(np.exp(-(shares * np.log(shares)).sum()))


def neighbor_votes(
    known: Vectors, known_classes: Indices, asked: Vectors, asked_classes: Indices
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whether the 10 nearest known rows vote for the right class, and its share of votes.

    Votes weigh `exp(cosine / .07)` (Wu et al. 2018). O(N M D).

    Args:
        known: `[N, D]` unit vectors.
        known_classes: `[N]` their classes, from 0.
        asked: `[M, D]` unit vectors.
        asked_classes: `[M]` their classes.

    Returns:
        `[M]`, 1 for right and 0 for wrong, and `[M]` shares.
    """
    indices, similarities = exact_search(asked, known, min(_NEIGHBORS, len(known)))
    count = int(max(known_classes.max(), asked_classes.max())) + 1
    shares = vote_shares(indices, similarities, np.eye(count)[known_classes])
    right = (shares.argmax(axis=1) == asked_classes).astype(np.float64)
    return right, shares[np.arange(len(asked)), asked_classes]


@one_blas_thread()
def probe_votes(
    known: Vectors, known_classes: Indices, asked: Vectors, asked_classes: Indices
) -> NDArray[np.float64]:
    """Return 1 where a logistic regression on the known rows is right, else 0, `[M]`.

    Args:
        known: `[N, D]` unit vectors.
        known_classes: `[N]` their classes, at least two of them.
        asked: `[M, D]` unit vectors.
        asked_classes: `[M]` their classes.
    """
    names, codes = np.unique(known_classes, return_inverse=True)
    problem = LogisticProblem(known.astype(np.float64), codes)
    weights, offset = problem.linear(problem.fit(_C, tolerance=1e-5))
    found = names[(asked.astype(np.float64) @ weights.T + offset).argmax(axis=1)]
    right: NDArray[np.float64] = (found == asked_classes).astype(np.float64)
    return right


def partner_ranks(left: Vectors, right: Vectors, groups: Indices) -> NDArray[np.float64]:
    """Return, for each row, one over the rank at which it finds its partner, `[N]`.

    The partner of `left[i]` is `right[i]`, looked for among all of `right`, and the other way
    round; the mean of both is returned. Rows of one group are no rivals. Of equals, the partner
    counts as found half-way through them. O(N² D).
    """
    similar = left.astype(np.float64) @ right.T.astype(np.float64)
    rival = groups[:, None] != groups[None, :]
    both = []
    for each in (similar, similar.T):
        own = np.diag(each)[:, None]
        before = (rival & (each > own)).sum(axis=1) + 0.5 * (rival & (each == own)).sum(axis=1)
        both.append(1 / (1 + before))
    mean: NDArray[np.float64] = (both[0] + both[1]) / 2
    return mean


def distance_ranks(
    known: Vectors, whole: Vectors, flawed: Vectors, groups: Indices
) -> NDArray[np.float64]:
    """Return the share of whole pictures that a flawed one is farther from the known than, `[N]`.

    The mean over rows is the area under the ROC curve of the distance to the nearest known row.
    A picture that the flawed one was made of, or that is of its group, does not count.

    Args:
        known: `[M, D]` unit vectors of nominal pictures.
        whole: `[N, D]` unit vectors of others.
        flawed: `[N, D]` the same pictures with a flaw.
        groups: `[N]` group of each of the others.
    """
    near = [exact_search(rows, known, 1)[1][:, 0].astype(np.float64) for rows in (whole, flawed)]
    other = groups[:, None] != groups[None, :]
    farther = (near[1][:, None] < near[0][None, :]) + 0.5 * (near[1][:, None] == near[0][None, :])
    counted = other.sum(axis=1)
    ranks: NDArray[np.float64] = np.where(
        counted > 0, (farther * other).sum(axis=1) / np.maximum(counted, 1), 0.5
    )
    return ranks


def shared_neighbors(teacher: Vectors, student: Vectors) -> NDArray[np.float64]:
    """Return the share of each row's nearest by one encoder that are so by another too, `[N]`.

    The nearest are 10, or a quarter of the rows where that is less. O(N² D).
    """
    k = min(_NEIGHBORS, max((len(teacher) - 1) // 4, 1))
    sets = []
    for rows in (teacher, student):
        similar = rows @ rows.T
        np.fill_diagonal(similar, -np.inf)
        sets.append(np.argsort(-similar, axis=1, kind="stable")[:, :k])
    shared = (sets[0][:, :, None] == sets[1][:, None, :]).any(axis=2).mean(axis=1)
    found: NDArray[np.float64] = shared.astype(np.float64)
    return found

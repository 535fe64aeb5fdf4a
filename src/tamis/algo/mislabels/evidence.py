"""What rows and their neighbours say of a label: by a probe that did not see it, and by votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.probe.folds import Fold, make_folds
from tamis.algo.probe.heads import vote_shares
from tamis.algo.probe.held_out import out_of_fold_logits
from tamis.algo.probe.ways import Logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices, Vectors

__all__ = ["Evidence", "gather_evidence", "main_axes", "neighbor_votes"]

_AXES: Final = 256
_VOTERS: Final = 20
_DOUBTED: Final = 0.25


@dataclass(frozen=True)
class Evidence:
    """Probabilities of the classes of each row, none of them drawn from its own label.

    Attributes:
        probe: `[N, K]` by a regression fitted without the row's fold.
        votes: `[N, K]` by the labels of its neighbours.
        refitted: `[N, K]` by a regression fitted without the fold and without the rows whose
            labels the first two doubt.
        trusted_votes: `[N, K]` by the labels of the neighbours that are not doubted.
    """

    probe: NDArray[np.float64]
    votes: NDArray[np.float64]
    refitted: NDArray[np.float64]
    trusted_votes: NDArray[np.float64]


def main_axes(X: Vectors) -> NDArray[np.float64]:
    """Return `[N, at most 256]` coordinates of rows along their main axes, seen from their mean.

    A regression on long vectors is as good on these, at a fraction of the cost. O(N D² + D³).
    """
    rows = X.astype(np.float64)
    rows -= rows.mean(axis=0)
    if X.shape[1] <= _AXES:
        return rows
    axes = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :_AXES]
    along: NDArray[np.float64] = rows @ axes
    return along


def gather_evidence(
    axes: NDArray[np.float64],
    classes: Indices,
    graph: KnnGraph,
    groups: Indices | None,
    *,
    C: float,
    rng: np.random.Generator,
) -> Evidence:
    """Fit and vote, doubt, and fit and vote again without the doubted.

    Wrong labels that a classifier has learnt from hide others of their kind; without the rows
    that the first pass doubts, they stand out (Northcutt, Jiang and Chuang, "Confident learning",
    JAIR 2021). Ten fits: O(N min(N, 256) K) a step.

    Args:
        axes: `[N, R]` as `main_axes` gives.
        classes: `[N]` from 0 to K - 1, each taken at least once.
        graph: nearest neighbours.
        groups: `[N]` rows of one group neither vouch for each other nor lie in two folds.
        C: of the regression.
        rng: draws the folds.
    """
    folds = list(make_folds(classes, groups, rng))
    votes = neighbor_votes(graph, classes, groups)
    probe = _out_of_fold(axes, classes, folds, C)
    row = np.arange(classes.size)
    mixed = softmax((np.log(probe) + np.log(votes)) / 2, axis=1)[row, classes]
    trusted = (probe.argmax(axis=1) == classes) | (mixed > _DOUBTED)
    kept = [_trusted_fold(fold, classes, trusted) for fold in folds]
    return Evidence(
        probe=probe,
        votes=votes,
        refitted=_out_of_fold(axes, classes, kept, C),
        trusted_votes=neighbor_votes(graph, classes, groups, trusted),
    )


def neighbor_votes(
    graph: KnnGraph,
    classes: Indices,
    groups: Indices | None,
    trusted: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the shares of the classes among the labels of up to 20 neighbours, `[N, K]`.

    Near-duplicates of a row, and rows that are not trusted, have no vote. O(N k K).
    """
    near = graph.indices
    voter = np.ones(near.shape, np.bool_)
    if groups is not None:
        voter &= groups[near] != groups[:, None]
    if trusted is not None:
        voter &= trusted[near]
    voter &= np.cumsum(voter, axis=1) <= _VOTERS
    every = np.eye(int(classes.max()) + 1)[classes]
    return vote_shares(np.where(voter, near, -1), graph.similarities, every)


def _out_of_fold(
    axes: NDArray[np.float64], classes: Indices, folds: list[Fold], C: float
) -> NDArray[np.float64]:
    n_classes = int(classes.max()) + 1
    setting = {"C": C, "balanced": False}
    logits, measured = out_of_fold_logits(axes, classes, folds, Logistic(), [setting])
    found: NDArray[np.float64] = softmax(logits[0], axis=1)
    # of a class that no other fold shows nothing can be said
    found[~measured] = 1.0 / n_classes
    return np.maximum(found, 1e-9)


def _trusted_fold(fold: Fold, classes: Indices, trusted: NDArray[np.bool_]) -> Fold:
    fitted = fold.fitted[trusted[fold.fitted]]
    known = np.unique(classes[fitted])
    return fold if known.size < fold.known.size else Fold(fitted, known, fold.held_out)

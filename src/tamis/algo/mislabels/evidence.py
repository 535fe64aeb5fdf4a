"""What rows and their neighbours say of a label: by a probe that did not see it, and by votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.mislabels.first_pass import Discriminants, DiscriminantStart
from tamis.algo.probe.folds import Fold, given_folds
from tamis.algo.probe.heads import vote_shares
from tamis.algo.probe.held_out import cross_validate, out_of_fold_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices, Vectors

__all__ = [
    "Evidence",
    "JudgedRows",
    "gather_evidence",
    "judge_first",
    "main_axes",
    "neighbor_votes",
]

_AXES: Final = 128
_MOST_AXES: Final = 256
_SPARE: Final = 16
_ROUNDS: Final = 2
_ROWS_FOR_AXES: Final = 2000
_VOTERS: Final = 20
_DOUBTED: Final = 0.25


@dataclass(frozen=True)
class JudgedRows:
    """Rows whose labels are judged, whatever these are.

    Attributes:
        axes: `[N, R]` as `main_axes` gives.
        graph: nearest neighbours.
        groups: `[N]` rows of one group do not vouch for each other; None for none.
        folds: `[N]` number of the fold of each row; a group lies in one.
    """

    axes: NDArray[np.float64]
    graph: KnnGraph
    groups: Indices | None
    folds: Indices

    def take(self, rows: Indices, graph: KnnGraph) -> JudgedRows:
        """Return some of the rows, with the graph of these alone."""
        groups = None if self.groups is None else self.groups[rows]
        return JudgedRows(self.axes[rows], graph, groups, self.folds[rows])


@dataclass(frozen=True)
class Evidence:
    """Probabilities of the classes of each row, none of them drawn from its own label.

    Attributes:
        probe: `[N, K]` by a discriminant fitted without the row's fold.
        votes: `[N, K]` by the labels of its neighbours.
        refitted: `[N, K]` by a regression fitted without the fold and without the rows whose
            labels the first two doubt.
        trusted_votes: `[N, K]` by the labels of the neighbours that are not doubted.
    """

    probe: NDArray[np.float64]
    votes: NDArray[np.float64]
    refitted: NDArray[np.float64]
    trusted_votes: NDArray[np.float64]


def main_axes(X: Vectors, n_classes: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return coordinates of rows along their main axes, seen from their mean.

    A classifier on long vectors is as good on these, at a fraction of the cost. Up to 128 axes,
    or twice as many as there are classes up to 256, found by two rounds of randomised subspace
    iteration on at most 2,000 rows (Halko, Martinsson and Tropp, SIAM Review 2011). O(N D R).

    Args:
        X: `[N, D]`.
        n_classes: how many classes are to be told apart.
        rng: draws rows and the subspace to begin with.
    """
    mean = X.mean(axis=0, dtype=np.float64)
    axes = min(max(_AXES, 2 * n_classes), _MOST_AXES)
    if X.shape[1] <= axes:
        short: NDArray[np.float64] = X.astype(np.float64) - mean
        return short
    rows = X - mean.astype(np.float32)
    few = rows
    if len(rows) > _ROWS_FOR_AXES:
        few = rows[np.sort(rng.choice(len(rows), _ROWS_FOR_AXES, replace=False))]
    width = min(axes + _SPARE, X.shape[1])
    found = rng.standard_normal((X.shape[1], width)).astype(np.float32)
    for _ in range(_ROUNDS):
        found = np.linalg.qr(few.T @ (few @ found))[0]
    inside = (few @ found).astype(np.float64)
    turn = np.linalg.eigh(inside.T @ inside)[1][:, ::-1][:, :axes]
    along: NDArray[np.float64] = (rows @ (found @ turn.astype(np.float32))).astype(np.float64)
    return along


@dataclass(frozen=True)
class FirstPass:
    """What a discriminant and votes say, before any label is doubted.

    Attributes:
        probe: `[N, K]` by a discriminant fitted without the row's fold.
        votes: `[N, K]` by the labels of its neighbours.
        trusted: `[N]` rows whose labels these do not doubt.
        setting: of the discriminant.
        temperature: of the discriminant.
    """

    probe: NDArray[np.float64]
    votes: NDArray[np.float64]
    trusted: NDArray[np.bool_]
    setting: int
    temperature: float


def judge_first(rows: JudgedRows, classes: Indices) -> FirstPass:
    """Judge each label by a discriminant and by votes, and doubt those that both speak against.

    A linear discriminant takes one step and hardly follows a few wrong labels. Five fits:
    O(N R² + R³).

    Args:
        rows: which.
        classes: `[N]` from 0 to K - 1, each taken at least once.
    """
    folds = list(given_folds(classes, rows.folds))
    votes = neighbor_votes(rows.graph, classes, rows.groups)
    found = cross_validate(rows.axes, classes, folds, Discriminants(), Discriminants.settings)
    probe = _certain(found.probabilities)
    row = np.arange(classes.size)
    mixed = softmax((np.log(probe) + np.log(votes)) / 2, axis=1)[row, classes]
    trusted = (probe.argmax(axis=1) == classes) | (mixed > _DOUBTED)
    return FirstPass(probe, votes, trusted, found.setting, found.temperature)


def gather_evidence(
    rows: JudgedRows, classes: Indices, Cs: Sequence[float]
) -> dict[float, Evidence]:
    """Judge, doubt, and judge again without the doubted, for each penalty.

    Wrong labels that a classifier has learnt from hide others of their kind; without the rows
    that the first pass doubts, they stand out (Northcutt, Jiang and Chuang, "Confident learning",
    JAIR 2021). The second pass is a logistic regression that begins at the discriminant of the
    first. Five fits a penalty: O(N R K) a step. Arguments as of `judge_first`.
    """
    first = judge_first(rows, classes)
    kept = [
        _trusted_fold(fold, classes, first.trusted) for fold in given_folds(classes, rows.folds)
    ]
    way = DiscriminantStart(first.setting, first.temperature)
    logits, measured = out_of_fold_logits(rows.axes, classes, kept, way, [{"C": C} for C in Cs])
    trusted_votes = neighbor_votes(rows.graph, classes, rows.groups, first.trusted)
    found = {}
    for C, of in zip(Cs, logits, strict=True):
        refitted: NDArray[np.float64] = softmax(of, axis=1)
        refitted[~measured] = np.nan
        found[C] = Evidence(first.probe, first.votes, _certain(refitted), trusted_votes)
    return found


def _certain(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a class that no other fold shows nothing can be said; nothing is impossible."""
    unknown = np.isnan(probabilities)
    return np.maximum(np.where(unknown, 1.0 / probabilities.shape[1], probabilities), 1e-9)


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


def _trusted_fold(fold: Fold, classes: Indices, trusted: NDArray[np.bool_]) -> Fold:
    fitted = fold.fitted[trusted[fold.fitted]]
    known = np.unique(classes[fitted])
    return fold if known.size < fold.known.size else Fold(fitted, known, fold.held_out)

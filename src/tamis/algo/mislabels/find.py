"""Wrong labels: rows ranked by how suspect theirs are, in the way that finds planted ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.mislabels.evidence import (
    JudgedRows,
    gather_evidence,
    judge_first,
    main_axes,
    neighbor_votes,
)
from tamis.algo.mislabels.kinds import KINDS, far_rows, tell_kinds, torn_groups
from tamis.algo.mislabels.planted import average_precision, plant
from tamis.algo.mislabels.suspicion import MEAN_RANK, beliefs, best_way, log_mix, suspicions
from tamis.algo.neighbors import knn_graph
from tamis.algo.probe.folds import deal_folds, fold_numbers
from tamis.algo.top_k import TopK
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tamis.algo.neighbors import KnnGraph
    from tamis.types import Indices, Vectors

__all__ = ["Mislabels", "find_mislabels", "label_examples"]

_NEIGHBORS: Final = 50
_CS: Final = (1.0, 10.0)
_ROWS_TO_CHOOSE: Final = 1000
_LEAST_PLANTED, _MOST_PLANTED = 0.02, 0.3
_LEAST_TRUSTED: Final = 2
OWN_MODEL: Final = "your model and votes"


@dataclass(frozen=True)
class Mislabels:
    """How suspect each label is, and what is the matter with it.

    Attributes:
        classes: `[K]` names, ascending.
        scores: `[N]` in [0, 1], high is suspect.
        order: `[N]` rows, most suspect first.
        kinds: `[N]` numbers of `KINDS`: sound, wrong, ambiguous, out of class, duplicate.
        suggested: `[N]` number of the class that is likeliest beside the label's own.
        belief: `[N, K]` probabilities of the classes, not drawn from the row's own label.
        method: what gave the scores.
        planted: average precision of each way on labels planted wrong; empty where own
            probabilities were given, which planted labels cannot judge.
        C: of the regression.
    """

    classes: NDArray[Any]
    scores: NDArray[np.float64]
    order: Indices
    kinds: NDArray[np.int8]
    suggested: Indices
    belief: NDArray[np.float64]
    method: str
    planted: Mapping[str, float]
    C: float

    def counts(self) -> dict[str, int]:
        """Return how many rows are of each kind."""
        number = np.bincount(self.kinds, minlength=len(KINDS)).tolist()
        return dict(zip(KINDS, number, strict=True))


def find_mislabels(
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    groups: Indices | None = None,
    probabilities: NDArray[Any] | None = None,
    graph: KnnGraph | None = None,
    rng: np.random.Generator,
) -> Mislabels:
    """Rank labels by how suspect they are, by the way that finds wrong labels planted among them.

    Judged is by a discriminant fitted without the row, by the labels of its neighbours, by both
    (as a geometric mean, and by mean rank), and by a regression and votes without the rows that
    these doubt. On up to 1,000 rows, as many wrong labels as there seem to be (2 to 30 %) are
    planted among those that do not, once of any class and once of classes that are confused; the
    way of the highest mean average precision there is taken, or all mixed where that is as good up
    to chance, and the better of two penalties. The same rows give the same scores, bit for bit,
    whatever order they come in.

    The graph costs O(N² D), or about O(N^1.5 D) from 50,000 rows; five fits on all rows and twenty
    on at most 1,000, each O(N R K) a step along R axes, at most 256.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` class of each row.
        groups: `[N]` near-duplicates, which do not vouch for each other.
        probabilities: `[N, K]` of the user's own model, classes ascending by name, best by fits
            without the row. They then take the place of the regression, mixed with votes.
        graph: of `X`, with about 50 neighbours a row; computed if None.
        rng: draws folds and planted labels.

    Raises:
        UsageError: there are fewer than two classes, lengths differ, probabilities do not fit, or
            `X` is not made of unit vectors.
    """
    vectors = unit_vectors(X)
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    _check(vectors, codes, classes, groups, probabilities)
    order = np.argsort(codes, kind="stable")
    order = order[canonical_order(vectors[order])]
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    ordered, given = vectors[order], codes[order]
    group = None if groups is None else _by_first_use(np.asarray(groups)[order])
    if graph is None:
        near = knn_graph(ordered, _NEIGHBORS, rng=rng)
    else:
        near = replace(
            graph, indices=place[graph.indices[order]], similarities=graph.similarities[order]
        )
    planted: dict[str, float] = {}
    if probabilities is None:
        axes = main_axes(ordered, classes.size, rng=rng)
        alone = group is None or np.unique(group).size == group.size
        folds = deal_folds(given, rng) if alone else fold_numbers(given, group, rng)
        rows = JudgedRows(axes, near, group, folds)
        C, planted = _choose(rows, ordered, given, rng=rng)
        method = best_way(planted)
        evidence = gather_evidence(rows, given, [C])[C]
        scores = suspicions(evidence, given)[method]
        belief = beliefs(evidence)["probe and votes" if method == MEAN_RANK else method]
    else:
        method, C = OWN_MODEL, np.nan
        belief = log_mix(
            np.asarray(probabilities, np.float64)[order], neighbor_votes(near, given, group)
        )
        scores = np.clip(1.0 - belief[np.arange(given.size), given], 0.0, 1.0)
    torn = np.zeros(given.size, np.bool_)
    if group is not None:
        torn, against = torn_groups(group, given)
        scores = np.where(torn, np.maximum(scores, against), scores)
    far = far_rows(near.similarities.astype(np.float64))
    kinds, suggested = tell_kinds(belief, given, far, torn)
    scores = scores[place]
    return Mislabels(
        classes=classes,
        scores=scores,
        order=order[np.argsort(-scores[order], kind="stable")],
        kinds=kinds[place],
        suggested=suggested[place],
        belief=belief[place],
        method=method,
        planted=planted,
        C=C,
    )


def label_examples(
    X: NDArray[Any],
    found: Mislabels,
    labels: NDArray[Any],
    rows: Indices,
    *,
    groups: Indices | None = None,
    k: int = 3,
) -> Indices:
    """Return the rows that speak for each suggestion: the nearest sound ones labelled so.

    O(M N D) for M rows.

    Args:
        X: `[N, D]` unit vectors.
        found: of these rows.
        labels: `[N]` as they were given.
        rows: `[M]` rows to explain.
        groups: near-duplicates of a row do not speak for it.
        k: examples a row.

    Returns:
        `[M, k]`, -1 where there are fewer.
    """
    vectors = unit_vectors(X)
    codes = np.searchsorted(found.classes, np.asarray(labels))
    examples = np.full((len(rows), k), -1)
    for name in np.unique(found.suggested[rows]):
        asked = np.flatnonzero(found.suggested[rows] == name)
        there = np.flatnonzero((codes == name) & (found.kinds == 0))
        if not there.size:
            continue
        likeness = vectors[rows[asked]] @ vectors[there].T
        if groups is not None:
            likeness[groups[rows[asked]][:, None] == groups[there]] = -np.inf
        top = TopK(asked.size, min(k, there.size))
        top.offer(np.arange(asked.size), likeness, there)
        best, similar = top.best()
        examples[asked, : best.shape[1]] = np.where(np.isfinite(similar), best, -1)
    return examples


def _choose(
    rows: JudgedRows, X: Vectors, classes: Indices, *, rng: np.random.Generator
) -> tuple[float, dict[str, float]]:
    """Plant wrong labels and return the penalty and the average precision of each way with it."""
    if classes.size > _ROWS_TO_CHOOSE:
        few = np.sort(rng.choice(classes.size, _ROWS_TO_CHOOSE, replace=False))
        _, classes = np.unique(classes[few], return_inverse=True)
        rows = rows.take(few, knn_graph(X[few], _NEIGHBORS, rng=rng))
    n_classes = int(classes.max()) + 1
    first = judge_first(rows, classes)
    trusted_votes = neighbor_votes(rows.graph, classes, rows.groups, first.trusted)
    belief = log_mix(first.probe, trusted_votes)
    # labels that are suspect as they are would count as false alarms, though some are wrong
    trusted = np.flatnonzero(belief.argmax(axis=1) == classes)
    if trusted.size < _LEAST_TRUSTED:
        return _CS[0], {"probe and votes": np.nan}
    share = min(max(1.0 - trusted.size / classes.size, _LEAST_PLANTED), _MOST_PLANTED)
    likely = np.zeros((n_classes, n_classes))
    np.add.at(likely, classes, first.votes)
    totals: dict[float, dict[str, list[float]]] = {C: {} for C in _CS}
    kinds: tuple[Literal["even", "confused"], ...] = ("even", "confused")
    for kind in kinds:
        planted = classes.copy()
        planted[trusted], wrong = plant(classes[trusted], share, likely, kind=kind, rng=rng)
        if not wrong.any() or np.unique(planted).size < n_classes:
            continue
        found = gather_evidence(rows, planted, _CS)
        for C, evidence in found.items():
            for name, scores in suspicions(evidence, planted).items():
                reached = average_precision(wrong, scores[trusted])
                totals[C].setdefault(name, []).append(reached)
    means = {
        C: {name: float(np.mean(each)) for name, each in found.items()}
        for C, found in totals.items()
    }
    C = max(_CS, key=lambda each: max(means[each].values(), default=0.0))
    return C, means[C] or {"probe and votes": np.nan}


def _by_first_use(values: NDArray[Any]) -> Indices:
    _, first, place = np.unique(values, return_index=True, return_inverse=True)
    numbers: Indices = np.argsort(np.argsort(first))[place]
    return numbers


def _check(
    vectors: Vectors,
    codes: Indices,
    classes: NDArray[Any],
    groups: Indices | None,
    probabilities: NDArray[Any] | None,
) -> None:
    if len(codes) != len(vectors) or (groups is not None and len(groups) != len(vectors)):
        raise UsageError(f"{len(vectors)} vectors need as many labels and groups, not {len(codes)}")
    if classes.size < 2:  # noqa: PLR2004 - no label could be wrong
        raise UsageError(f"labels of two classes or more are needed, not of {classes.size}")
    if probabilities is not None:
        shape = (len(vectors), classes.size)
        given = np.asarray(probabilities, np.float64)
        if given.shape != shape or not np.isfinite(given).all() or (given < 0).any():
            raise UsageError(
                f"probabilities must be {shape[0]} rows of {shape[1]} numbers, one for each class, "
                f"all finite and none negative; these have the shape {given.shape}"
            )

"""Labels for all rows from a few: several ways tried on held-out labels, the best one taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation.contenders import (
    Graph,
    Headed,
    Reached,
    Seeds,
    Texts,
    fit_means,
    fit_regression,
    fit_votes,
)
from tamis.algo.propagation.diffusion import Diffusion, affinities
from tamis.algo.propagation.expected import expected_accuracy
from tamis.algo.propagation.new_rows import Labeler, NewRows
from tamis.algo.propagation.seed_groups import Conflict, find_conflicts, spread_in_groups
from tamis.algo.propagation.trials import hold_trials
from tamis.algo.splits import assign_splits
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.intervals import Estimate
    from tamis.algo.neighbors import KnnGraph
    from tamis.algo.propagation.contenders import Contender
    from tamis.algo.propagation.trials import Trial
    from tamis.types import Indices, Vectors

__all__ = ["ClassTexts", "NewRows", "Propagation", "propagate"]

NEIGHBORS: Final = 50
_FOLDS: Final = ((50, 20), (500, 10))
"""Up to so many labels, so many folds: with few labels, each that is left out is missed."""
_FOLDS_OF_MANY: Final = 5
_TEXT_ROWS: Final = 20
_BY_TEXTS: Final = 2
"""Contenders that know of texts; these are trusted where no label could be held out."""
_EVEN: Final = 1e-9


@dataclass(frozen=True)
class ClassTexts:
    """How well each row fits the text of each class.

    Attributes:
        classes: `[C]` names; all classes of the labels given are among them.
        probabilities: `[N, C]`, such as `zero_shot_posteriors` gives; rows sum to 1.
    """

    classes: Sequence[str]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Propagation:
    """Labels for all rows, and how right they are expected to be.

    Attributes:
        classes: `[K]` names, ascending.
        labels: `[N]` class number of each row, labels given included; -1 where none is given out.
        confidence: `[N]` calibrated probability of the likeliest class; 1 for labels given.
        probabilities: `[N, K]` calibrated; rows sum to 1.
        method: what gave them: one way, or a mix of several.
        trials: what each contender did on held-out labels.
        expected: accuracy expected of the labels given out, from refits without the labels that it
            is measured on, the weights of the mix included; NaN, from 0 to 1, where no label
            could be held out.
        expected_of_all: the same if no row were left without a label.
        coverage: share of the rows without given labels that got one.
        measured: how many labels were held out.
        conflicts: groups of near-duplicates that were given several labels; none of these labels
            was used.
        new_rows: labels rows that come later.
    """

    classes: NDArray[Any]
    labels: Indices
    confidence: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    method: str
    trials: tuple[Trial, ...]
    expected: Estimate
    expected_of_all: Estimate
    coverage: float
    measured: int
    conflicts: tuple[Conflict, ...]
    new_rows: NewRows


def propagate(
    X: NDArray[Any],
    rows: NDArray[Any],
    labels: NDArray[Any],
    *,
    groups: Indices | None = None,
    texts: ClassTexts | None = None,
    graph: KnnGraph | None = None,
    least_confidence: float = 0.5,
    rng: np.random.Generator,
) -> Propagation:
    """Label all rows from the labels of a few, by the ways that do best on labels held out.

    Tried are diffusion along the graph of 50 nearest neighbours, the nearest class mean, a
    logistic regression, a vote of the nearest labels, and, where there are texts, these and a
    graph with the rows that fit each text best as sources. They are mixed by their log loss on
    held-out labels, as `fit_mixture` says: many labels leave the best one alone. The same rows
    give the same labels, bit for bit, whatever order they come in.

    The graph costs O(N² D), or about O(N^1.5 D) from 50,000 rows; diffusion O(N k K) a step, for
    each of the folds (20 up to 50 labels, 10 up to 500, then 5); the others 210, 55 or 15 fits
    on the labels.

    Args:
        X: `[N, D]` unit vectors.
        rows: `[S]` row numbers of the labels given, none twice.
        labels: `[S]` names of classes.
        groups: `[N]` groups of near-duplicates: each gets one label, and its labels are held out
            together.
        texts: how well each row fits the text of each class.
        graph: of `X`, with about 50 neighbours a row; computed if None.
        least_confidence: rows under it get no label; in [0, 1].
        rng: draws folds, and trains the inverted file for many rows.

    Raises:
        UsageError: there are fewer than two classes, a row is named twice or is not there,
            lengths differ, or `X` is not made of unit vectors.

    Example:
        >>> angle = np.concatenate([np.linspace(0, 0.5, 20), np.linspace(2, 2.5, 20)])
        >>> X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> found = propagate(
        ...     X, np.array([3, 9, 22, 30]), np.array(["a", "a", "b", "b"]),
        ...     rng=np.random.default_rng(0),
        ... )
        >>> np.bincount(found.labels).tolist(), found.coverage
        ([20, 20], 1.0)
    """
    vectors = unit_vectors(X)
    n = len(vectors)
    at, given = np.asarray(rows, dtype=np.int64), np.asarray(labels)
    check_rows(n, at, given, groups, least_confidence)
    classes, codes = _classes(given, texts, n)
    # Rows by content: no order of rows decides.
    order = _order(vectors, at, codes)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    ordered = vectors[order]
    group = np.arange(n) if groups is None else by_first_use(np.asarray(groups)[order])
    conflicts, sound = find_conflicts(group, place[at], codes)
    by_place = np.argsort(place[at[sound]], kind="stable")
    seed_rows, seed_classes = place[at[sound]][by_place], codes[sound][by_place]
    if np.unique(seed_classes).size < 2 and texts is None:  # noqa: PLR2004 - nothing to tell apart
        raise UsageError(
            f"near-duplicates have different labels in {len(conflicts)} of their groups, which "
            "leaves fewer than two classes: settle these first"
        )
    seeds = Seeds(
        seed_rows, seed_classes, draw_folds([seed_classes], group[seed_rows], rng), len(classes)
    )
    near = ordered_graph(graph, order, place) if graph else knn_graph(ordered, NEIGHBORS, rng=rng)
    diffusion = Diffusion(affinities(near))
    fit = None if texts is None else _text(texts)[order]
    contenders = contenders_on(ordered, seeds, diffusion, fit)
    trials = hold_trials(contenders, seeds, trusted=None if texts is None else _BY_TEXTS)
    mixture = trials.mixture
    taken = [contenders[part] for part in mixture.parts]
    own = np.exp(mixture.log_probabilities(contender.logits() for contender in taken))
    probabilities = spread_in_groups(own, group, seed_rows, seed_classes)
    confidence = probabilities.max(axis=1)
    likely = confidence >= least_confidence
    # where nothing reached a row no class is likelier than another
    likely &= confidence > probabilities.min(axis=1) + _EVEN
    found = np.where(likely, probabilities.argmax(axis=1), -1)
    free = np.ones(n, np.bool_)
    free[place[at]] = False
    shares = (
        probabilities[free].mean(axis=0) if free.any() else np.full(len(classes), 1 / len(classes))
    )
    answered = shares if not (free & likely).any() else probabilities[free & likely].mean(axis=0)
    truth = seed_classes[trials.measured]
    right = trials.predicted == truth
    sure = trials.confidence >= least_confidence
    found[place[at]] = codes
    confidence = np.where(free, confidence, 1.0)
    probabilities[place[at]] = np.eye(len(classes))[codes]
    names = {conflict.group for conflict in conflicts}
    return Propagation(
        classes=classes,
        labels=found[place],
        confidence=confidence[place],
        probabilities=probabilities[place],
        method=trials.method,
        trials=trials.trials,
        expected=expected_accuracy(right[sure], truth[sure], answered),
        expected_of_all=expected_accuracy(right, truth, shares),
        coverage=float(likely[free].mean()) if free.any() else 1.0,
        measured=int(right.size),
        conflicts=as_given(conflicts, groups, order) if names else (),
        new_rows=NewRows(
            classes=classes,
            heads=tuple(_labeler(contender, seeds) for contender in taken),
            mixture=mixture,
            least_confidence=least_confidence,
        ),
    )


def _labeler(contender: Contender, seeds: Seeds) -> Labeler:
    every = isinstance(contender, (Graph, Texts))
    known = np.arange(seeds.n_classes) if every else np.unique(seeds.classes)
    return Labeler(contender.head(), known)


def contenders_on(
    X: Vectors, seeds: Seeds, diffusion: Diffusion, texts: NDArray[np.float64] | None
) -> list[Contender]:
    """Return the ways to label all rows, those that know of texts first."""
    reached = Reached.from_seeds(len(X), seeds, diffusion)
    found: list[Contender] = [
        Headed("class means", 0.1, X, seeds, fit_means),
        Graph("graph", X, seeds, reached),
        Headed("regression", 1.0, X, seeds, fit_regression),
        Headed("vote", 1.0, X, seeds, fit_votes),
    ]
    if texts is None:
        return found
    sources = np.zeros(texts.shape)
    best = np.argsort(-texts, axis=0, kind="stable")[:_TEXT_ROWS]
    np.put_along_axis(sources, best, 1.0 / len(best), axis=0)
    both = reached.with_texts(sources, seeds, diffusion)
    knowing: list[Contender] = [Graph("graph and texts", X, seeds, both), Texts(texts, seeds)]
    # of a class without a label only texts know
    return knowing if np.unique(seeds.classes).size < seeds.n_classes else [*knowing, *found]


def draw_folds(categories: Sequence[Indices], groups: Indices, rng: np.random.Generator) -> Indices:
    """Return the fold of each label given; whole groups each, categories spread evenly."""
    wanted = next((folds for most, folds in _FOLDS if groups.size <= most), _FOLDS_OF_MANY)
    count = min(wanted, np.unique(groups).size)
    return assign_splits(groups, categories, [1 / count] * count, rng=rng)


def _order(vectors: Vectors, at: Indices, codes: Indices) -> Indices:
    """Rows by content, those that are the same by the label given."""
    known = np.full(len(vectors), -1)
    known[at] = codes
    order = np.argsort(known, kind="stable")
    return order[canonical_order(vectors[order])]


def ordered_graph(graph: KnnGraph, order: Indices, place: Indices) -> KnnGraph:
    """Return the graph of the same rows in another order, and `place` their new numbers."""
    from dataclasses import replace

    return replace(
        graph, indices=place[graph.indices[order]], similarities=graph.similarities[order]
    )


def _classes(given: NDArray[Any], texts: ClassTexts | None, n: int) -> tuple[NDArray[Any], Indices]:
    if texts is None:
        classes, codes = np.unique(given, return_inverse=True)
        if classes.size < 2:  # noqa: PLR2004 - there is nothing to tell apart
            raise UsageError(
                f"labels of two classes or more are needed, not of {classes.size}: label a row "
                "of another class"
            )
        return classes, codes
    classes = np.unique(np.asarray(texts.classes))
    if texts.probabilities.shape != (n, len(texts.classes)) or classes.size != len(texts.classes):
        raise UsageError(
            f"class texts must have the shape {(n, classes.size)}, not {texts.probabilities.shape}"
        )
    unknown = np.setdiff1d(given, classes)
    if unknown.size:
        raise UsageError(f"no text describes the class {unknown[0]!r}: give one for each class")
    return classes, np.searchsorted(classes, given)


def _text(texts: ClassTexts) -> NDArray[np.float64]:
    columns = np.argsort(np.asarray(texts.classes), kind="stable")
    ordered: NDArray[np.float64] = np.asarray(texts.probabilities, np.float64)[:, columns]
    return ordered


def as_given(
    conflicts: tuple[Conflict, ...], groups: Indices | None, order: Indices
) -> tuple[Conflict, ...]:
    """Return conflicts by the numbers that rows and groups were given by."""
    assert groups is not None, "rows that are their own group cannot disagree"
    found = []
    for conflict in conflicts:
        rows = order[conflict.rows]
        ascending = np.argsort(rows)
        found.append(Conflict(int(groups[rows[0]]), rows[ascending], conflict.classes[ascending]))
    return tuple(sorted(found, key=lambda each: int(each.rows[0])))


def by_first_use(values: NDArray[Any]) -> Indices:
    """Number values by where they first occur."""
    _, first, place = np.unique(values, return_index=True, return_inverse=True)
    numbers: Indices = np.argsort(np.argsort(first))[place]
    return numbers


def check_rows(
    n: int, at: Indices, given: NDArray[Any], groups: Indices | None, least_confidence: float
) -> None:
    """Raise UsageError if rows, labels and groups do not fit each other."""
    if at.shape != given.shape or (groups is not None and len(groups) != n):
        raise UsageError(
            f"{at.size} rows need as many labels, not {given.size}, and {n} rows as many groups"
        )
    if at.size and (int(at.min()) < 0 or int(at.max()) >= n or np.unique(at).size < at.size):
        raise UsageError(f"labels must be of different rows from 0 to {n - 1}")
    if not 0.0 <= least_confidence <= 1.0:
        raise UsageError(f"least_confidence must be between 0 and 1, not {least_confidence}")

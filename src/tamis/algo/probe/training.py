"""Fits a probe to labeled vectors, chosen and measured by cross-validation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.probe.folds import make_folds
from tamis.algo.probe.held_out import cross_validate
from tamis.algo.probe.logistic import LogisticProblem, balanced_weights
from tamis.algo.probe.probe import Probe
from tamis.algo.probe.prototypes import fit_prototypes
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError
from tamis.machine import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.logistic import LogisticSolution
    from tamis.types import Indices

__all__ = ["Method", "train_probe"]

Method = Literal["auto", "logistic", "prototypes"]

LEAST_FOR_LOGISTIC: Final = 10
"""Labels a class, on average, from which `auto` fits a logistic regression."""

_GRID: Final = tuple(float(C) for C in np.logspace(-1, 3, 9))
_MOST_ROWS_TO_CHOOSE: Final = 5000
_COARSE, _FEW = 1e-4, 60
_EXACT, _MANY = 1e-6, 1000
_TEMPERATURES: Final = {"prototypes": 0.1, "logistic": 1.0}
"""Expected of cosines with class means, and of logits of a regression."""


@one_blas_thread()
def train_probe(
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    groups: Indices | None = None,
    method: Method = "auto",
    C: float | None = None,
    balanced: bool | None = None,
    rng: np.random.Generator,
) -> Probe:
    """Fit a classifier to labeled vectors, and measure it on labels held out.

    Logistic regression, its `C` (one of nine from 0.1 to 1,000) and whether classes are balanced
    being what has the least log loss out of fold; under ten labels a class the nearest class mean
    by cosine, which is better there. The temperature is fitted out of fold too. The same rows
    give the same probe, bit for bit, whatever order they come in.

    Cross-validation costs at most 5 folds of 18 fits on 5,000 rows drawn at random, and the fit
    on all rows O(N D K) a step; memory O(N D). Linear algebra keeps to one thread meanwhile: with
    two, fitting 300 rows took 24 s of processor time instead of .6.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` class of each row, anything that sorts.
        groups: `[N]` rows of one group, such as near-duplicates, are never both fitted on and
            measured on.
        method: `logistic`, `prototypes`, or `auto`: by the number of labels a class.
        C: taken as given; None for the one that does best.
        balanced: every class counts the same in a regression, however many labels it has, so that
            rare ones are found; None for what does best on the labels as they are. Class means
            are balanced by nature.
        rng: draws the folds.

    Raises:
        UsageError: fewer than two classes, lengths differ, `X` is not made of finite unit
            vectors, or an option is out of range.

    Example:
        >>> X = np.array([[1, 0], [0.8, 0.6], [0, 1], [-0.6, 0.8]])
        >>> probe = train_probe(X, np.array(["a", "a", "b", "b"]), rng=np.random.default_rng(0))
        >>> probe.method, probe.predict(np.array([[0.96, 0.28], [-0.28, 0.96]])).tolist()
        ('prototypes', ['a', 'b'])
        >>> probe.held_out.right, probe.held_out.rows
        (4, 4)
    """
    vectors = unit_vectors(X)
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    _check(vectors, codes, names, groups, C)
    # Rows by content, classes and groups by their first row: no order and no name decides.
    order = np.argsort(codes, kind="stable")
    order = order[canonical_order(vectors[order])]
    number, classes = _by_first_use(codes[order])
    together = None if groups is None else _by_first_use(np.asarray(groups)[order])[1]
    rows = vectors[order].astype(np.float64)
    few = np.arange(len(rows))
    if few.size > _MOST_ROWS_TO_CHOOSE:
        few = np.sort(rng.choice(few.size, _MOST_ROWS_TO_CHOOSE, replace=False))
    folds = list(make_folds(classes[few], None if together is None else together[few], rng))
    sample = (rows[few], classes[few], folds)

    chosen = _method(method, len(rows), names.size)
    if chosen == "prototypes":
        held_out = cross_validate(*sample, _prototype_cosines, expected=_TEMPERATURES[chosen])
        prototypes = fit_prototypes(rows, classes)
        weights, offset = prototypes.directions, np.zeros(names.size)
        centre, even, best = prototypes.centre, True, None
    else:
        settings = [
            (each, strength)
            for each in ((True, False) if balanced is None else (balanced,))
            for strength in (_GRID if C is None else (float(C),))
        ]
        path = cross_validate(
            *sample, partial(_logits_along, settings=settings), expected=_TEMPERATURES[chosen]
        )
        even, best = settings[path.setting]
        # the temperature is for logits of a fit that ran to its end, as the one on all rows does
        exact = partial(_logits_along, settings=[(even, best)], tolerance=_EXACT, steps=_MANY)
        held_out = cross_validate(*sample, exact, expected=_TEMPERATURES[chosen])
        problem = LogisticProblem(rows, classes, balanced_weights(classes) if even else None)
        weights, offset = problem.linear(problem.fit(best, tolerance=_EXACT, steps=_MANY))
        centre = None
    predicted = np.full(len(rows), -1)
    known = held_out.predicted >= 0
    predicted[order[few[known]]] = np.argsort(number)[held_out.predicted[known]]
    return Probe(
        classes=names,
        weights=weights[number],
        offset=offset[number],
        centre=centre,
        temperature=held_out.temperature,
        method=chosen,
        C=best,
        balanced=even,
        held_out=replace(held_out, predicted=predicted),
    )


def _prototype_cosines(
    X: NDArray[np.float64], classes: Indices, held_out: NDArray[np.float64]
) -> NDArray[np.float64]:
    return fit_prototypes(X, classes).cosines(held_out)[None]


def _logits_along(
    X: NDArray[np.float64],
    classes: Indices,
    held_out: NDArray[np.float64],
    *,
    settings: Sequence[tuple[bool, float]],
    tolerance: float = _COARSE,
    steps: int = _FEW,
) -> NDArray[np.float64]:
    """Fit for each weighting and `C`, ascending, each begun where the one before ended."""
    problem = LogisticProblem(X, classes)
    weights = {True: balanced_weights(classes), False: np.ones(len(X))}
    solutions: dict[bool, LogisticSolution] = {}
    logits = []
    for even, C in settings:
        problem.reweigh(weights[even])
        solutions[even] = problem.fit(C, solutions.get(even), tolerance=tolerance, steps=steps)
        directions, offset = problem.linear(solutions[even])
        logits.append(held_out @ directions.T + offset)
    return np.stack(logits)


def _method(method: Method, n_rows: int, n_classes: int) -> Literal["logistic", "prototypes"]:
    if method == "auto":
        return "logistic" if n_rows >= LEAST_FOR_LOGISTIC * n_classes else "prototypes"
    if method not in {"logistic", "prototypes"}:
        raise UsageError(f"method must be auto, logistic or prototypes, not {method!r}")
    return method


def _by_first_use(codes: NDArray[Any]) -> tuple[Indices, Indices]:
    """Number values in the order in which they first occur.

    Returns:
        The number of each distinct value, ascending by value; and that of each entry.
    """
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    number = np.empty_like(first)
    number[np.argsort(first)] = np.arange(first.size)
    return number, number[place]


def _check(
    vectors: NDArray[Any],
    codes: Indices,
    names: NDArray[Any],
    groups: Indices | None,
    C: float | None,
) -> None:
    lengths = [len(vectors), len(codes), len(vectors if groups is None else groups)]
    if len(set(lengths)) > 1:
        raise UsageError(f"vectors, labels and groups differ in length: {lengths}")
    if names.size < 2:  # noqa: PLR2004 - there is nothing to tell apart
        raise UsageError(
            f"a probe tells classes apart and needs labels of two or more, not {names.size}"
        )
    if C is not None and not 0 < C < np.inf:
        raise UsageError(f"C must be over 0, not {C}")

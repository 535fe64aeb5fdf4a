"""A small classifier on stored vectors, chosen and measured by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from scipy.special import softmax

from tamis.algo.canonical_order import canonical_order
from tamis.algo.probe.held_out import HeldOut, cross_validate
from tamis.algo.probe.logistic import LogisticProblem, balanced_weights
from tamis.algo.probe.prototypes import fit_prototypes
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Method", "Probe", "train_probe"]

Method = Literal["auto", "logistic", "prototypes"]

LEAST_FOR_LOGISTIC: Final = 8
"""Labels a class, on average, from which `auto` fits a logistic regression."""

_GRID: Final = tuple(float(C) for C in np.logspace(-2, 4, 13))
_MOST_ROWS_TO_CHOOSE: Final = 5000
_COARSE: Final = 1e-4
_UNMEASURED_TEMPERATURE: Final = 0.1
"""Of cosines where every class has one label only, so that none can be held out."""


@dataclass(frozen=True)
class Probe:
    """A linear classifier of vectors.

    Attributes:
        classes: `[K]` names of the classes, ascending.
        weights: `[K, D]` float64.
        offset: `[K]` float64.
        centre: `[D]` float64, from where a row is seen as a direction; None for rows as they are.
        temperature: divides the logits, so that probabilities mean what they say.
        method: `logistic` or `prototypes`.
        C: how much the losses counted against the penalty; None for prototypes.
        held_out: what cross-validation measured; its `predicted` are numbers of `classes`.
    """

    classes: NDArray[Any]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    centre: NDArray[np.float64] | None
    temperature: float
    method: Literal["logistic", "prototypes"]
    C: float | None
    held_out: HeldOut

    def logits(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` logits of unit vectors `[N, D]`, before the temperature. O(NDK)."""
        rows = unit_vectors(X).astype(np.float64)
        if self.centre is not None:
            rows -= self.centre
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            np.divide(rows, lengths, out=rows, where=lengths > 0)
        logits: NDArray[np.float64] = rows @ self.weights.T + self.offset
        return logits

    def probabilities(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, K]` calibrated probabilities of unit vectors `[N, D]`; rows sum to 1."""
        probabilities: NDArray[np.float64] = softmax(self.logits(X) / self.temperature, axis=1)
        return probabilities

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return `[N]` names of the likeliest classes of unit vectors `[N, D]`."""
        predicted: NDArray[Any] = self.classes[self.logits(X).argmax(axis=1)]
        return predicted


def train_probe(
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    groups: Indices | None = None,
    method: Method = "auto",
    C: float | None = None,
    balanced: bool = True,
    rng: np.random.Generator,
) -> Probe:
    """Fit a classifier to labelled vectors, and measure it on labels held out.

    Logistic regression, its `C` the one of 13 from 0.01 to 10,000 with the least log loss out of
    fold; under eight labels a class the nearest class mean by cosine, which is better there. The
    temperature is fitted out of fold too. The same rows give the same probe, bit for bit, whatever
    order they come in.

    Cross-validation costs at most 5 folds of 13 fits on 5,000 rows drawn at random, and the fit
    on all rows O(N D K) a step; memory O(N D).

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` class of each row, anything that sorts.
        groups: `[N]` rows of one group, such as near-duplicates, are never both fitted on and
            measured on.
        method: `logistic`, `prototypes`, or `auto`: by the number of labels a class.
        C: taken as given; None for the one that does best.
        balanced: every class counts the same in the fit, however many labels it has. Labels that
            were picked say little about how frequent classes are.
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
    rows = vectors[order].astype(np.float64)
    number, classes = _by_first_use(codes[order])
    together = None if groups is None else _by_first_use(np.asarray(groups)[order])[1]
    chosen = _method(method, len(rows), names.size)
    grid = _GRID if C is None else (float(C),)

    def fit(
        X: NDArray[np.float64], classes: Indices, held_out: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if chosen == "prototypes":
            return fit_prototypes(X, classes).cosines(held_out)[None]
        return _logits_along(X, classes, held_out, grid, balanced=balanced)

    few = np.arange(len(rows))
    if few.size > _MOST_ROWS_TO_CHOOSE:
        few = np.sort(rng.choice(few.size, _MOST_ROWS_TO_CHOOSE, replace=False))
    found = cross_validate(
        rows[few], classes[few], None if together is None else together[few], fit, rng
    )
    predicted = np.full(len(rows), -1)
    known = few[found.predicted >= 0]
    back = np.argsort(number)
    predicted[order[known]] = back[found.predicted[found.predicted >= 0]]
    held_out = replace(found, predicted=predicted)
    if chosen == "prototypes":
        prototypes = fit_prototypes(rows, classes)
        return Probe(
            classes=names,
            weights=prototypes.directions[number],
            offset=np.zeros(names.size),
            centre=prototypes.centre,
            temperature=found.temperature or _UNMEASURED_TEMPERATURE,
            method=chosen,
            C=None,
            held_out=held_out,
        )
    problem = LogisticProblem(rows, classes, balanced_weights(classes) if balanced else None)
    best = grid[found.setting]
    weights, offset = problem.linear(problem.fit(best))
    return Probe(
        classes=names,
        weights=weights[number],
        offset=offset[number],
        centre=None,
        temperature=found.temperature or 1.0,
        method=chosen,
        C=best,
        held_out=held_out,
    )


def _logits_along(
    X: NDArray[np.float64],
    classes: Indices,
    held_out: NDArray[np.float64],
    grid: Sequence[float],
    *,
    balanced: bool,
) -> NDArray[np.float64]:
    """Fit for each `C`, ascending, each begun where the one before ended."""
    problem = LogisticProblem(X, classes, balanced_weights(classes) if balanced else None)
    solution = None
    logits = []
    for C in grid:
        solution = problem.fit(C, solution, tolerance=_COARSE, steps=100)
        weights, offset = problem.linear(solution)
        logits.append(held_out @ weights.T + offset)
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

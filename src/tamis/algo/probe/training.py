"""Fits a probe to labeled vectors, chosen and measured by cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.probe.folds import given_folds, make_folds
from tamis.algo.probe.held_out import cross_validate
from tamis.algo.probe.probe import Probe
from tamis.algo.probe.ways import Logistic, Means, Neighbors, Network
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError
from tamis.machine import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe.ways import Way
    from tamis.types import Indices

__all__ = ["Method", "train_probe"]

Method = Literal["auto", "best", "logistic", "prototypes", "neighbors", "network"]

LEAST_FOR_LOGISTIC: Final = 10
"""Labels a class, on average, from which `auto` fits a logistic regression."""

_MOST_ROWS_TO_CHOOSE: Final = 5000


@one_blas_thread()
def train_probe(
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    groups: Indices | None = None,
    folds: Indices | None = None,
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
        folds: `[N]` number of the fold in which each row is measured on, such as the user's own;
            a negative row is always fitted on. None for five folds that each have their share of
            every class.
        method: `logistic`, `prototypes`, `neighbors` (votes of the nearest), `network` (one
            hidden layer); `auto` for one of the first two by the number of labels a class, `best`
            for the one of all four with the least log loss out of fold.
        C: of a regression, taken as given; None for the one that does best.
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
    _check(vectors, codes, names, (groups, folds), C)
    # Rows by content, classes and groups by their first row: no order and no name decides.
    order = np.argsort(codes, kind="stable")
    order = order[canonical_order(vectors[order])]
    number, classes = _by_first_use(codes[order])
    together = None if groups is None else _by_first_use(np.asarray(groups)[order])[1]
    rows = vectors[order].astype(np.float64)
    few = np.arange(len(rows))
    if few.size > _MOST_ROWS_TO_CHOOSE:
        few = np.sort(rng.choice(few.size, _MOST_ROWS_TO_CHOOSE, replace=False))
    if folds is None:
        parts = list(make_folds(classes[few], None if together is None else together[few], rng))
    else:
        parts = list(given_folds(classes[few], np.asarray(folds)[order][few]))
    sample = (rows[few], classes[few], parts)

    ways = _ways(method, len(rows), names.size, C, balanced, seed=int(rng.integers(2**31)))
    measured = {way.kind: cross_validate(*sample, way, way.settings) for way in ways}
    way = min(ways, key=lambda each: np.nan_to_num(measured[each.kind].log_loss, nan=np.inf))
    setting = way.settings[measured[way.kind].setting]
    # the temperature is for logits of a fit that ran to its end, as the one on all rows does
    held_out = cross_validate(*sample, way, [setting], exact=True)
    (head,) = way.fit_all(rows, classes, [setting], exact=True)
    predicted = np.full(len(rows), -1)
    known = held_out.predicted >= 0
    predicted[order[few[known]]] = np.argsort(number)[held_out.predicted[known]]
    probabilities = np.full((len(rows), names.size), np.nan)
    probabilities[order[few]] = held_out.probabilities[:, number]
    return Probe(
        classes=names,
        head=head.in_order(number),
        temperature=held_out.temperature,
        method=way.kind,
        setting=setting,
        held_out=replace(held_out, predicted=predicted, probabilities=probabilities),
        tried={kind: found.log_loss for kind, found in measured.items()} if ways[1:] else {},
    )


def _ways(
    method: Method,
    n_rows: int,
    n_classes: int,
    C: float | None,
    balanced: bool | None,
    *,
    seed: int,
) -> list[Way]:
    regression = Logistic(C, balanced)
    if method == "auto":
        return [regression if n_rows >= LEAST_FOR_LOGISTIC * n_classes else Means()]
    known: dict[str, Way] = {
        "prototypes": Means(),
        "logistic": regression,
        "neighbors": Neighbors(),
        "network": Network(seed=seed),
    }
    if method == "best":
        return list(known.values())
    if method not in known:
        raise UsageError(f"method must be auto, best, {', '.join(known)}, not {method!r}")
    return [known[method]]


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
    columns: tuple[Indices | None, ...],
    C: float | None,
) -> None:
    lengths = [len(vectors), len(codes), *(len(each) for each in columns if each is not None)]
    if len(set(lengths)) > 1:
        raise UsageError(f"vectors, labels, groups and folds differ in length: {lengths}")
    if names.size < 2:  # noqa: PLR2004 - there is nothing to tell apart
        raise UsageError(
            f"a probe tells classes apart and needs labels of two or more, not {names.size}"
        )
    if C is not None and not 0 < C < np.inf:
        raise UsageError(f"C must be over 0, not {C}")

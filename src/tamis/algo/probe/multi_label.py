"""Several labels a picture: one logistic regression for each label, fitted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from tamis.algo.canonical_order import canonical_order
from tamis.algo.probe.calibration import fit_temperature
from tamis.algo.splits import assign_splits
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["MultiLabelProbe", "fit_labels", "train_multi_label_probe"]

_GRID: Final = tuple(float(C) for C in np.logspace(-1, 3, 9))
_FOLDS: Final = 5
_COARSE, _FEW = 1e-4, 60
_EXACT, _MANY = 1e-6, 1000


@dataclass(frozen=True)
class MultiLabelProbe:
    """One linear classifier for each label, with what was measured of them.

    Attributes:
        labels: `[L]` names.
        weights: `[L, D]` float64.
        offset: `[L]` float64.
        temperature: `[L]` float64, divides the logits.
        threshold: `[L]` float64, the probability from which a label is given: that of the best F1
            out of fold; 0.5 where nothing could be measured.
        C: how much the losses counted against the penalty.
        probabilities: `[N, L]` by fits without each row; NaN where not measured.
        f1: `[L]` at the threshold, out of fold; NaN where not measured.
        log_loss: mean out of fold, over what is known; NaN without rows.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    temperature: NDArray[np.float64]
    threshold: NDArray[np.float64]
    C: float
    probabilities: NDArray[np.float64]
    f1: NDArray[np.float64]
    log_loss: float

    def predict_probabilities(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N, L]` calibrated probabilities of unit vectors `[N, D]`."""
        logits = unit_vectors(X).astype(np.float64) @ self.weights.T + self.offset
        probabilities: NDArray[np.float64] = expit(logits / self.temperature)
        return probabilities

    def predict(self, X: NDArray[Any]) -> NDArray[np.bool_]:
        """Return `[N, L]`, which labels each of the unit vectors `[N, D]` is given."""
        given: NDArray[np.bool_] = self.predict_probabilities(X) >= self.threshold
        return given


def fit_labels(
    X: NDArray[np.float64],
    given: NDArray[np.int8],
    Cs: Sequence[float],
    *,
    tolerance: float = _EXACT,
    steps: int = _MANY,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise `C Σ loss + ½ |w|²` for each label by itself, the offsets left free.

    The objective of scikit-learn's `LogisticRegression` for two classes. Rows are turned into
    their coordinates in the span of the centred rows; a step costs O(N L min(N, D)).

    Args:
        X: `[N, D]` rows.
        given: `[N, L]` 1 yes, 0 no, -1 unknown and without part in the loss.
        Cs: ascending; each fit begins where the one before ended.
        tolerance: the largest entry of the gradient of the objective divided by `C N`.
        steps: of L-BFGS at most.

    Returns:
        Weights `[P, L, D]` and offsets `[P, L]`.
    """
    n, n_labels = given.shape
    mean = X.mean(axis=0)
    axes, triangle = np.linalg.qr((X - mean).T)
    rows = np.ascontiguousarray(triangle.T)
    sign = np.where(given == 1, 1.0, -1.0)
    counts = (given >= 0) / n
    width = rows.shape[1]

    def objective(parameters: NDArray[np.float64], C: float) -> tuple[float, NDArray[np.float64]]:
        coordinates = parameters[: n_labels * width].reshape(n_labels, width)
        margin = sign * (rows @ coordinates.T + parameters[n_labels * width :])
        penalty = 1.0 / (C * n)
        value = float((counts * np.logaddexp(0.0, -margin)).sum())
        value += 0.5 * penalty * float((coordinates**2).sum())
        slope = -counts * sign * expit(-margin)
        along = slope.T @ rows + penalty * coordinates
        return value, np.concatenate([along.ravel(), slope.sum(axis=0)])

    weights, offsets = [], []
    begin = np.zeros(n_labels * (width + 1))
    for C in Cs:
        begin = minimize(
            objective,
            begin,
            args=(C,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps, "gtol": tolerance, "ftol": 0.0},
        ).x
        weights.append(begin[: n_labels * width].reshape(n_labels, width) @ axes.T)
        offsets.append(begin[n_labels * width :] - weights[-1] @ mean)
    return np.stack(weights), np.stack(offsets)


def train_multi_label_probe(
    X: NDArray[Any],
    given: NDArray[Any],
    labels: Sequence[str],
    *,
    groups: Indices | None = None,
    rng: np.random.Generator,
) -> MultiLabelProbe:
    """Fit one logistic regression a label, with one `C` for all, measured on rows held out.

    The same rows give the same probe, bit for bit, whatever order they come in.

    Args:
        X: `[N, D]` unit vectors.
        given: `[N, L]` 1 yes, 0 no, -1 unknown.
        labels: `[L]` names.
        groups: `[N]` rows of one group are never both fitted on and measured on.
        rng: draws the folds, in which each label has its share.

    Raises:
        UsageError: shapes do not fit, a value is none of 1, 0 and -1, a label is given to no row
            or denied to none, or `X` is not made of unit vectors.
    """
    vectors, known = unit_vectors(X), np.asarray(given, dtype=np.int8)
    _check(vectors, known, labels, groups)
    order = np.lexsort(known.T[::-1]) if known.shape[1] else np.arange(len(known))
    order = order[canonical_order(vectors[order])]
    rows, known = vectors[order].astype(np.float64), known[order]
    names = np.arange(len(rows)) if groups is None else _by_first_use(np.asarray(groups)[order])
    logits = np.full((len(_GRID), *known.shape), np.nan)
    parts = min(_FOLDS, np.unique(names).size)
    if parts > 1:
        columns = [np.where(column == 1, 0, -1) for column in known.T]
        fold = assign_splits(names, columns, [1 / parts] * parts, rng=rng)
        for number in range(parts):
            inside = fold == number
            weights, offset = fit_labels(
                rows[~inside], known[~inside], _GRID, tolerance=_COARSE, steps=_FEW
            )
            logits[:, inside] = np.einsum("nd,pld->pnl", rows[inside], weights) + offset[:, None]
    losses = np.array([_loss(one, known) for one in logits])
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else len(_GRID) // 2
    temperature, threshold, f1 = (np.ones(known.shape[1]) for _ in range(3))
    for label, (column, truth) in enumerate(zip(logits[best].T, known.T, strict=True)):
        there = (truth >= 0) & np.isfinite(column)
        pair = np.stack([np.zeros(int(there.sum())), column[there]], axis=1)
        temperature[label] = fit_temperature(pair, truth[there].astype(np.int64))
        threshold[label], f1[label] = _best_threshold(
            expit(column[there] / temperature[label]), truth[there] == 1
        )
    weights, offset = fit_labels(rows, known, [_GRID[best]])
    probabilities = np.full(known.shape, np.nan)
    probabilities[order] = expit(logits[best] / temperature)
    return MultiLabelProbe(
        labels=tuple(labels),
        weights=weights[0],
        offset=offset[0],
        temperature=temperature,
        threshold=threshold,
        C=_GRID[best],
        probabilities=probabilities,
        f1=f1,
        log_loss=_loss(logits[best] / temperature, known),
    )


def _loss(logits: NDArray[np.float64], known: NDArray[np.int8]) -> float:
    there = (known >= 0) & np.isfinite(logits)
    if not there.any():
        return float("nan")
    margin = np.where(known == 1, logits, -logits)[there]
    return float(np.logaddexp(0.0, -margin).mean())


def _best_threshold(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the threshold of the best F1, half-way to the next lower probability, and the F1."""
    if not truth.any():
        return 0.5, float("nan")
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    f1 = 2 * found / (np.arange(1, truth.size + 1) + truth.sum())
    falling = probabilities[order]
    f1[:-1][falling[:-1] == falling[1:]] = -1.0
    best = int(np.argmax(f1))
    below = falling[best + 1] if best + 1 < truth.size else 0.0
    return float((falling[best] + below) / 2), float(f1[best])


def _by_first_use(values: NDArray[Any]) -> Indices:
    _, first, place = np.unique(values, return_index=True, return_inverse=True)
    numbers: Indices = np.argsort(np.argsort(first))[place]
    return numbers


def _check(
    vectors: NDArray[Any], known: NDArray[np.int8], labels: Sequence[str], groups: Indices | None
) -> None:
    shape = (len(vectors), len(labels))
    if known.shape != shape or (groups is not None and len(groups) != len(vectors)):
        raise UsageError(f"labels given must have the shape {shape}, not {known.shape}")
    if not np.isin(known, (-1, 0, 1)).all():
        raise UsageError("a label is given (1), denied (0) or unknown (-1); other values are not")
    for name, column in zip(labels, known.T, strict=True):
        yes, no = int((column == 1).sum()), int((column == 0).sum())
        if not yes or not no:
            raise UsageError(
                f"the label {name!r} is given to {yes} rows and denied to {no}: a probe needs "
                "both; leave it out"
            )

"""Numbers from vectors: ridge regression, its penalty chosen and measured on rows held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.canonical_order import canonical_order
from tamis.algo.probe.folds import make_folds
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.folds import Fold
    from tamis.types import Indices

__all__ = ["NumberProbe", "fit_ridge", "train_number_probe"]

_PENALTIES: Final = tuple(float(each) for each in np.logspace(-4, 3, 15))
_BANDS: Final = 5
_LEAST_ROWS: Final = 3


@dataclass(frozen=True)
class NumberProbe:
    """A linear prediction of a number, with what was measured of it.

    Attributes:
        weights: `[D]` float64.
        offset: added to `row @ weights`.
        penalty: how much squared weights counted against squared errors.
        predicted: `[N]` prediction for each row by a fit without it; NaN where not measured.
        explained: share of the variance explained out of fold (R²); NaN without rows.
        absolute_error: mean absolute error out of fold; NaN without rows.
        reach: nine in ten new numbers lie within this distance of the prediction: the conformal
            quantile of absolute errors out of fold; infinite under nine rows.
    """

    weights: NDArray[np.float64]
    offset: float
    penalty: float
    predicted: NDArray[np.float64]
    explained: float
    absolute_error: float
    reach: float

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return `[N]` predictions for unit vectors `[N, D]`."""
        numbers: NDArray[np.float64] = unit_vectors(X) @ self.weights + self.offset
        return numbers


def fit_ridge(
    X: NDArray[np.float64], y: NDArray[np.float64], penalties: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise squared errors and `penalty |w|²`, for each penalty, the offset left free.

    One singular value decomposition serves them all: O(N D min(N, D)).

    Args:
        X: `[N, D]` rows.
        y: `[N]` numbers.
        penalties: over 0.

    Returns:
        Weights `[P, D]` and offsets `[P]`.
    """
    mean, middle = X.mean(axis=0), y.mean()
    left, values, right = np.linalg.svd(X - mean, full_matrices=False)
    along = left.T @ (y - middle)
    shrunk = np.stack([along * values / (values**2 + penalty) for penalty in penalties])
    weights = shrunk @ right
    return weights, middle - weights @ mean


def train_number_probe(
    X: NDArray[Any],
    y: NDArray[Any],
    *,
    groups: Indices | None = None,
    rng: np.random.Generator,
) -> NumberProbe:
    """Fit a ridge regression to vectors, with the penalty of least squared error out of fold.

    The same rows give the same answer, bit for bit, whatever order they come in. Six singular
    value decompositions: O(N D min(N, D)).

    Args:
        X: `[N, D]` unit vectors.
        y: `[N]` finite numbers.
        groups: `[N]` rows of one group are never both fitted on and measured on.
        rng: draws the folds, in which low and high numbers have their share.

    Raises:
        UsageError: lengths differ, there are fewer than three rows, a number is not finite, or
            `X` is not made of unit vectors.

    Example:
        >>> turn = np.linspace(0, 1, 40)
        >>> X = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        >>> probe = train_number_probe(X, turn, rng=np.random.default_rng(0))
        >>> bool(probe.explained > 0.95)
        True
    """
    vectors, numbers = unit_vectors(X), np.asarray(y, dtype=np.float64)
    if len(numbers) != len(vectors) or (groups is not None and len(groups) != len(vectors)):
        raise UsageError(f"{len(vectors)} vectors need as many numbers and groups")
    if len(numbers) < _LEAST_ROWS or not np.isfinite(numbers).all():
        raise UsageError(
            f"numbers to learn must be finite and {_LEAST_ROWS} or more, not {len(numbers)} of "
            f"which {int((~np.isfinite(numbers)).sum())} are not finite"
        )
    order = np.argsort(numbers, kind="stable")
    order = order[canonical_order(vectors[order])]
    rows, known = vectors[order].astype(np.float64), numbers[order]
    together = None
    if groups is not None:
        _, first, place = np.unique(
            np.asarray(groups)[order], return_index=True, return_inverse=True
        )
        together = np.argsort(np.argsort(first))[place]
    bands = np.minimum(_BANDS, len(known) // _LEAST_ROWS)
    band = (np.argsort(np.argsort(known, kind="stable")) * bands) // len(known)
    folds = list(make_folds(band, together, rng))
    if bands == 1 or not folds:
        best, held_out = len(_PENALTIES) // 2, np.full(len(known), np.nan)
    else:
        best, held_out = _cross_validated(rows, known, folds)
    weights, offset = fit_ridge(rows, known, [_PENALTIES[best]])
    predicted = np.full(len(known), np.nan)
    predicted[order] = held_out
    error = np.abs(predicted - numbers)[np.isfinite(predicted)]
    spread = float(numbers.var()) or 1.0
    return NumberProbe(
        weights=weights[0],
        offset=float(offset[0]),
        penalty=_PENALTIES[best],
        predicted=predicted,
        explained=1.0 - float((error**2).mean()) / spread if error.size else np.nan,
        absolute_error=float(error.mean()) if error.size else np.nan,
        reach=_conformal_quantile(error, 0.9),
    )


def _cross_validated(
    rows: NDArray[np.float64], known: NDArray[np.float64], folds: list[Fold]
) -> tuple[int, NDArray[np.float64]]:
    predicted = np.full((len(_PENALTIES), len(known)), np.nan)
    for fold in folds:
        weights, offset = fit_ridge(rows[fold.fitted], known[fold.fitted], _PENALTIES)
        predicted[:, fold.held_out] = weights @ rows[fold.held_out].T + offset[:, None]
    best = int(np.argmin(np.nanmean((predicted - known) ** 2, axis=1)))
    return best, predicted[best]


def _conformal_quantile(errors: NDArray[np.float64], share: float) -> float:
    rank = int(np.ceil(share * (errors.size + 1)))
    return float(np.sort(errors)[rank - 1]) if rank <= errors.size else float("inf")

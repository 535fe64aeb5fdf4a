"""How well a way of fitting does on rows that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax, softmax

from tamis.algo.probe.calibration import expected_calibration_error, fit_temperature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.folds import Fold
    from tamis.algo.probe.ways import Setting, Way
    from tamis.types import Indices

__all__ = ["HeldOut", "cross_validate", "out_of_fold_logits"]


@dataclass(frozen=True)
class HeldOut:
    """What cross-validation measured of the setting with the least log loss.

    Attributes:
        setting: which of the settings it is; 0 where nothing could be measured.
        temperature: which fits the held-out logits best.
        predicted: `[N]` class predicted for each row by a fit without it; -1 where no other row
            that could be fitted on has its class.
        probabilities: `[N, K]` of those fits, after the temperature; NaN where not measured.
        right: how many of them are right.
        log_loss: mean of `-log p(true class)` after the temperature; NaN without rows.
        calibration_error: expected calibration error in 15 bins, after the temperature; NaN
            without rows.
        uncalibrated_error: the same before the temperature.
    """

    setting: int
    temperature: float
    predicted: Indices
    probabilities: NDArray[np.float64]
    right: int
    log_loss: float
    calibration_error: float
    uncalibrated_error: float

    @property
    def rows(self) -> int:
        """How many rows could be measured."""
        return int((self.predicted >= 0).sum())


def cross_validate(
    X: NDArray[np.float64],
    classes: Indices,
    folds: Sequence[Fold],
    way: Way,
    settings: Sequence[Setting],
    *,
    exact: bool = False,
) -> HeldOut:
    """Measure each setting on the folds, and take the one with the least log loss.

    Settings are compared after each got its own temperature, since the one that is taken will
    have it too. Of equals the earlier is taken.

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each, from 0 to K - 1.
        folds: what to fit on and what to measure on.
        way: fits the settings.
        settings: what to choose from.
        exact: fit to the end, as the one fit on all rows is.
    """
    logits, measured = out_of_fold_logits(X, classes, folds, way, settings, exact=exact)
    predicted = np.full(len(classes), -1)
    probabilities = np.full((len(classes), int(classes.max()) + 1), np.nan)
    if not measured.any():
        return HeldOut(0, way.temperature, predicted, probabilities, 0, np.nan, np.nan, np.nan)
    truth = classes[measured]
    each = [logits[setting, measured] for setting in range(len(logits))]
    temperatures = [fit_temperature(one, truth, expected=way.temperature) for one in each]
    losses = [
        float(-log_softmax(one / fitted, axis=1)[np.arange(truth.size), truth].mean())
        for one, fitted in zip(each, temperatures, strict=True)
    ]
    best = int(np.argmin(losses))
    predicted[measured] = each[best].argmax(axis=1)
    probabilities[measured] = softmax(each[best] / temperatures[best], axis=1)
    return HeldOut(
        setting=best,
        temperature=temperatures[best],
        predicted=predicted,
        probabilities=probabilities,
        right=int((predicted[measured] == truth).sum()),
        log_loss=losses[best],
        calibration_error=expected_calibration_error(probabilities[measured], truth),
        uncalibrated_error=expected_calibration_error(
            softmax(each[best] / way.temperature, axis=1), truth
        ),
    )


def out_of_fold_logits(
    X: NDArray[np.float64],
    classes: Indices,
    folds: Sequence[Fold],
    way: Way,
    settings: Sequence[Setting],
    *,
    exact: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logits `[settings, N, K]` of fits without each row, and which rows `[N]` have them.

    A class that a fold did not show is as unlikely as the least likely that it did.
    """
    logits = np.zeros((len(settings), len(classes), int(classes.max()) + 1))
    measured = np.zeros(len(classes), np.bool_)
    for fold in folds:
        codes = np.searchsorted(fold.known, classes[fold.fitted])
        heads = way.fit_all(X[fold.fitted], codes, settings, exact=exact)
        rows = X[fold.held_out].astype(np.float32)
        for place, head in enumerate(heads):
            found = head.logits(rows)
            logits[place, fold.held_out] = found.min(axis=1, keepdims=True)
            logits[place, fold.held_out[:, None], fold.known] = found
        measured[fold.held_out] = True
    return logits, measured

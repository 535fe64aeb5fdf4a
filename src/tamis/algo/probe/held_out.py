"""How well a way of fitting does on rows that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import log_softmax, softmax

from tamis.algo.probe.calibration import expected_calibration_error, fit_temperature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.probe.folds import Fold
    from tamis.types import Indices

__all__ = ["Fit", "HeldOut", "cross_validate"]


class Fit(Protocol):
    """Fits one classifier for each of a row of settings."""

    def __call__(
        self, X: NDArray[np.float64], classes: Indices, held_out: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the logits `[settings, held out, K]` of rows that are not fitted on."""


@dataclass(frozen=True)
class HeldOut:
    """What cross-validation measured of the setting with the least log loss.

    Attributes:
        setting: which of the settings it is; 0 where nothing could be measured.
        temperature: which fits the held-out logits best.
        predicted: `[N]` class predicted for each row by a fit without it; -1 where no other row
            that could be fitted on has its class.
        right: how many of them are right.
        log_loss: mean of `-log p(true class)` after the temperature; NaN without rows.
        calibration_error: expected calibration error in 15 bins, after the temperature; NaN
            without rows.
    """

    setting: int
    temperature: float
    predicted: Indices
    right: int
    log_loss: float
    calibration_error: float

    @property
    def rows(self) -> int:
        """How many rows could be measured."""
        return int((self.predicted >= 0).sum())


def cross_validate(
    X: NDArray[np.float64],
    classes: Indices,
    folds: Sequence[Fold],
    fit: Fit,
    *,
    expected: float = 1.0,
) -> HeldOut:
    """Measure each setting on the folds, and take the one with the least log loss.

    Settings are compared after each got its own temperature, since the one that is taken will
    have it too. Of equals the earlier is taken.

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each, from 0 to K - 1.
        folds: what to fit on and what to measure on.
        fit: fits the settings.
        expected: the temperature where nothing can be measured.
    """
    n, n_classes = len(classes), int(classes.max()) + 1
    logits: NDArray[np.float64] | None = None
    measured = np.zeros(n, np.bool_)
    for fold in folds:
        codes = np.searchsorted(fold.known, classes[fold.fitted])
        found = fit(X[fold.fitted], codes, X[fold.held_out])
        if logits is None:
            logits = np.zeros((len(found), n, n_classes))
        # a class that the fold did not show is as unlikely as the least likely that it did
        logits[:, fold.held_out] = found.min(axis=2, keepdims=True)
        logits[:, fold.held_out[:, None], fold.known] = found
        measured[fold.held_out] = True
    predicted = np.full(n, -1)
    if logits is None:
        return HeldOut(0, expected, predicted, 0, np.nan, np.nan)
    truth = classes[measured]
    settings = [logits[setting, measured] for setting in range(len(logits))]
    temperatures = [fit_temperature(one, truth, expected=expected) for one in settings]
    losses = [
        float(-log_softmax(one / fitted, axis=1)[np.arange(truth.size), truth].mean())
        for one, fitted in zip(settings, temperatures, strict=True)
    ]
    best = int(np.argmin(losses))
    predicted[measured] = settings[best].argmax(axis=1)
    probabilities = softmax(settings[best] / temperatures[best], axis=1)
    return HeldOut(
        setting=best,
        temperature=temperatures[best],
        predicted=predicted,
        right=int((predicted[measured] == truth).sum()),
        log_loss=losses[best],
        calibration_error=expected_calibration_error(probabilities, truth),
    )

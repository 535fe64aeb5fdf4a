"""How well a way of fitting does on rows that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import log_softmax, softmax

from tamis.algo.probe.calibration import expected_calibration_error, fit_temperature
from tamis.algo.probe.folds import make_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        temperature: which fits the held-out logits best; None where nothing could be measured.
        predicted: `[N]` class predicted for each row by a fit without it; -1 where no other row
            that could be fitted on has its class.
        right: how many of them are right.
        log_loss: mean of `-log p(true class)` after the temperature; NaN without rows.
        calibration_error: expected calibration error in 15 bins, after the temperature; NaN
            without rows.
    """

    setting: int
    temperature: float | None
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
    groups: Indices | None,
    fit: Fit,
    rng: np.random.Generator,
) -> HeldOut:
    """Measure each setting on five folds, and take the one with the least log loss.

    Settings are compared after each got its own temperature, since the one that is taken will
    have it too. Of equals the earlier is taken.

    Args:
        X: `[N, D]` rows.
        classes: `[N]` class of each, from 0 to K - 1.
        groups: `[N]` rows that stay together; each is its own if None.
        fit: fits the settings.
        rng: breaks ties in making the folds.
    """
    n, n_classes = len(classes), int(classes.max()) + 1
    logits: NDArray[np.float64] | None = None
    measured = np.zeros(n, np.bool_)
    for fold in make_folds(classes, groups, rng):
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
        return HeldOut(0, None, predicted, 0, np.nan, np.nan)
    truth = classes[measured]
    settings = [logits[setting, measured] for setting in range(len(logits))]
    temperatures = [fit_temperature(one, truth) for one in settings]
    losses = [
        float(-log_softmax(one / temperature, axis=1)[np.arange(truth.size), truth].mean())
        for one, temperature in zip(settings, temperatures, strict=True)
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

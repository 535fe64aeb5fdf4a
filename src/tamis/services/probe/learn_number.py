"""Learn a number from a column, by ridge regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tamis.algo.probe import LinearHead, train_number_probe
from tamis.errors import UsageError
from tamis.services.probe.trained import Trained
from tamis.services.probe.training_rows import training_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import TrainProbe
    from tamis.services.probe.training_rows import TrainingRows

__all__ = ["learn_number"]


def learn_number(
    workspace: Workspace, request: TrainProbe, column: str
) -> tuple[Trained, TrainingRows]:
    """Fit a ridge regression to the pictures that have a number in a column.

    Raises:
        UsageError: the column is unknown, holds no numbers, or fewer than three.
    """
    rows = training_rows(workspace, request, column)
    values = workspace.samples.rows([column], rows.ids).column(0)
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UsageError(f"{column!r} holds {kind}, not numbers; name a column of numbers")
    numbers = np.array(values.to_pylist(), np.float64)
    vectors, fitted = rows.vectors, rows.fitted
    probe = train_number_probe(
        vectors[fitted],
        numbers[fitted],
        groups=rows.groups[fitted],
        rng=np.random.default_rng(request.seed),
    )
    predicted = np.full(numbers.size, np.nan)
    predicted[fitted] = probe.predicted
    if rows.test.any():
        predicted[rows.test] = probe.predict(vectors[rows.test])
    main = np.isfinite(predicted) & (rows.test if rows.test.any() else True)
    error, explained = _errors(predicted[main], numbers[main])
    return Trained(
        learned="number",
        classes=np.array([column], dtype=np.str_),
        head=LinearHead(probe.weights[None], np.array([probe.offset])),
        temperature=1.0,
        method="ridge",
        setting={"penalty": probe.penalty},
        labels=int(fitted.size),
        measured=int(main.sum()),
        measured_on="test split" if rows.test.any() else "held-out labels",
        explained=explained,
        absolute_error=error,
        reach=probe.reach if math.isfinite(probe.reach) else None,
    ), rows


def _errors(
    predicted: NDArray[Any], numbers: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Return the mean absolute error, and the share of the variance that is explained."""
    if not numbers.size:
        return None, None
    spread = float(numbers.var())
    error = predicted - numbers
    explained = 1.0 - float((error**2).mean()) / spread if spread > 0 else None
    return float(np.abs(error).mean()), explained

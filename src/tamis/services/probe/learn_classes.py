"""Learn one class a picture from its label."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import softmax

from tamis.algo.intervals import share_right
from tamis.algo.probe import (
    expected_calibration_error,
    reliability,
    report_predictions,
    train_probe,
)
from tamis.dataset.columns import Column
from tamis.errors import UsageError
from tamis.services.probe.contract import ComparedEncoder
from tamis.services.probe.measured import confused_classes, measured_classes, measured_slices
from tamis.services.probe.trained import Mistake, Trained
from tamis.services.probe.training_rows import training_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe import Probe, ProbeReport
    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import TrainProbe
    from tamis.services.probe.training_rows import TrainingRows
    from tamis.types import Indices, Vectors

__all__ = ["learn_classes"]

_LEAST: Final = 2
_UNCALIBRATED: Final = {"prototypes": 0.1}


def learn_classes(workspace: Workspace, request: TrainProbe) -> tuple[Trained, TrainingRows]:
    """Fit a classifier to labels, and measure it on the test split or by cross-validation.

    Raises:
        UsageError: fewer than two classes are there to fit.
    """
    rows = training_rows(workspace, request, Column.LABEL)
    told = workspace.samples.rows([Column.LABEL], rows.ids).column(0).to_pylist()
    labels = np.array(told, dtype=np.str_)
    fitted = rows.fitted
    if np.unique(labels[fitted]).size < _LEAST:
        raise UsageError(
            f"{fitted.size} pictures with a vector and a label, outside split "
            f"{request.test_split!r}, are of {np.unique(labels[fitted]).size} classes; a probe "
            "needs at least two:  tamis label set CLASS --where SQL"
        )
    vectors = rows.vectors
    probe = _fit(rows, vectors, labels, request)
    classes = probe.classes.astype(np.str_)
    probabilities = np.full((labels.size, classes.size), np.nan)
    probabilities[fitted] = probe.held_out.probabilities
    before: float | None = probe.held_out.uncalibrated_error
    judged = np.flatnonzero(rows.test & np.isin(labels, classes))
    if judged.size:
        probabilities[judged] = probe.probabilities(vectors[judged])
        raw = probe.logits(vectors[judged]) / _UNCALIBRATED.get(probe.method, 1.0)
        before = expected_calibration_error(
            softmax(raw, axis=1), np.searchsorted(classes, labels[judged])
        )
    measured = ~np.isnan(probabilities[:, 0])
    main = np.flatnonzero(measured & rows.test if judged.size else measured)
    report = _report(probabilities, labels, classes, main, {})
    sliced = _report(probabilities, labels, classes, np.flatnonzero(measured), rows.slices)
    unknown = int(rows.test.sum()) - judged.size
    return Trained(
        learned="classes",
        classes=classes,
        head=probe.head,
        temperature=probe.temperature,
        method=probe.method,
        setting=dict(probe.setting),
        tried={kind: loss for kind, loss in probe.tried.items() if math.isfinite(loss)},
        labels=int(fitted.size),
        measured=int(main.size),
        measured_on="test split" if judged.size else "held-out labels",
        accuracy=None if report is None else report.accuracy,
        balanced_accuracy=None if report is None else report.balanced_accuracy,
        ece=None if report is None else report.calibration_error,
        ece_before=None if report is None else before,
        rare_recall=None if report is None else report.rare_recall,
        measured_classes=() if report is None else measured_classes(report),
        confused=() if report is None else confused_classes(report, classes.tolist()),
        slices=() if sliced is None else measured_slices(sliced.slices),
        reliability=reliability(probabilities[main], np.searchsorted(classes, labels[main])),
        compared=_compared(rows, labels, request, probe),
        mistakes=_mistakes(rows.ids, probabilities, labels, classes, main),
        notes=_notes(unknown, request.test_split),
    ), rows


def _fit(
    rows: TrainingRows, vectors: Vectors, labels: NDArray[np.str_], request: TrainProbe
) -> Probe:
    fitted = rows.fitted
    return train_probe(
        vectors[fitted],
        labels[fitted],
        groups=rows.groups[fitted],
        folds=rows.folds_of(fitted),
        method=request.method,
        rng=np.random.default_rng(request.seed),
    )


def _compared(
    rows: TrainingRows, labels: NDArray[np.str_], request: TrainProbe, joined: Probe
) -> list[ComparedEncoder]:
    """Learn from the vectors of each encoder alone, on the same folds."""
    if len(rows.columns) == 1:
        return []
    probes = {
        column.spec: _fit(rows, part, labels, request)
        for column, part in zip(rows.columns, rows.parts, strict=True)
    }
    found = []
    for name, probe in {**probes, "joined": joined}.items():
        held_out = probe.held_out
        if held_out.rows:
            share = share_right(held_out.right, held_out.rows)
            found.append(
                ComparedEncoder(name, share.value, share.low, share.high, held_out.log_loss)
            )
    return sorted(found, key=lambda one: (-one.accuracy, one.log_loss))


def _mistakes(
    ids: list[str],
    probabilities: NDArray[np.float64],
    labels: NDArray[np.str_],
    classes: NDArray[np.str_],
    rows: Indices,
) -> list[Mistake]:
    predicted = probabilities[rows].argmax(axis=1)
    wrong = np.flatnonzero(classes[predicted] != labels[rows])
    return [
        Mistake(
            ids[rows[place]],
            str(labels[rows[place]]),
            str(classes[predicted[place]]),
            float(probabilities[rows[place]].max()),
        )
        for place in wrong.tolist()
    ]


def _report(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.str_],
    classes: NDArray[np.str_],
    rows: Indices,
    slices: dict[str, NDArray[Any]],
) -> ProbeReport | None:
    if not rows.size:
        return None
    truth = np.searchsorted(classes, labels[rows])
    chosen = {name: values[rows] for name, values in slices.items()}
    return report_predictions(probabilities[rows], truth, classes.tolist(), slices=chosen)


def _notes(unknown: int, split: str) -> list[str]:
    if not unknown:
        return []
    said = f"{unknown} pictures of split {split!r} are of classes that no other labels show"
    return [f"{said}, and were not measured"]

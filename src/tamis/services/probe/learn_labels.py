"""Learn several labels a picture, from the classifications of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit

from tamis.algo.intervals import share_right
from tamis.algo.probe import (
    LinearHead,
    expected_calibration_error,
    report_slices,
    train_multi_label_probe,
)
from tamis.dataset.label_sets import classes_in
from tamis.errors import UsageError
from tamis.services.probe.contract import MeasuredClass
from tamis.services.probe.measured import measured_slices
from tamis.services.probe.trained import Trained
from tamis.services.probe.training_rows import training_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import TrainProbe
    from tamis.services.probe.training_rows import TrainingRows

__all__ = ["learn_labels"]

_RARE: Final = 0.01


def learn_labels(
    workspace: Workspace, request: TrainProbe, layer: str
) -> tuple[Trained, TrainingRows]:
    """Fit a yes or no for each label to the pictures that have a label in the layer.

    A picture with some labels in the layer has none of the others.

    Raises:
        UsageError: the layer has no classes, or none that some pictures have and others lack.
    """
    table = workspace.store.annotations(["sample_id", "label"], classes_in(layer))
    pairs = list(zip(*(table.column(n).to_pylist() for n in ("sample_id", "label")), strict=True))
    rows = training_rows(workspace, request, sorted({sample_id for sample_id, _ in pairs}))
    names = sorted({label for _, label in pairs})
    given = np.zeros((len(rows.ids), len(names)), np.int8)
    row_of = {sample_id: row for row, sample_id in enumerate(rows.ids)}
    column_of = {label: number for number, label in enumerate(names)}
    for sample_id, label in pairs:
        if sample_id in row_of:
            given[row_of[sample_id], column_of[label]] = 1
    fitted = rows.fitted
    counts = given[fitted].sum(axis=0)
    usable = np.flatnonzero((counts > 0) & (counts < fitted.size))
    if not usable.size:
        raise UsageError(
            f"{fitted.size} pictures with a vector have classes in the layer {layer!r}, and no "
            "class is there that some have and others lack: nothing can be told apart"
        )
    labels = np.array([names[number] for number in usable.tolist()], dtype=np.str_)
    given = given[:, usable]
    vectors = rows.vectors
    folds = rows.folds_of(fitted)
    probe = train_multi_label_probe(
        vectors[fitted],
        given[fitted],
        labels.tolist(),
        groups=rows.groups[fitted] if folds is None else folds,
        rng=np.random.default_rng(request.seed),
    )
    head = LinearHead(probe.weights, probe.offset)
    probabilities = np.full(given.shape, np.nan)
    probabilities[fitted] = probe.probabilities
    if rows.test.any():
        probabilities[rows.test] = probe.predict_probabilities(vectors[rows.test])
    measured = np.isfinite(probabilities).all(axis=1)
    main = measured & rows.test if rows.test.any() else measured
    right = ((probabilities >= probe.threshold) == (given == 1)).all(axis=1)
    raw = head.logits(vectors)
    left_out = [names[number] for number in np.setdiff1d(np.arange(len(names)), usable).tolist()]
    return Trained(
        learned="labels",
        classes=labels,
        head=head,
        temperature=probe.temperature,
        thresholds=probe.threshold,
        method="logistic",
        setting={"C": probe.C},
        labels=int(fitted.size),
        measured=int(main.sum()),
        measured_on="test split" if rows.test.any() else "held-out labels",
        accuracy=share_right(int(right[main].sum()), int(main.sum())) if main.any() else None,
        balanced_accuracy=_mean_recall(probabilities[main] >= probe.threshold, given[main]),
        ece=_calibration(probabilities[main], given[main]),
        ece_before=_calibration(expit(raw[main]), given[main]) if rows.test.any() else None,
        rare_recall=None,
        measured_classes=_classes(probabilities[main] >= probe.threshold, given[main], labels),
        slices=measured_slices(
            report_slices(
                right[measured], {name: values[measured] for name, values in rows.slices.items()}
            )
        ),
        notes=[f"{', '.join(left_out)} cannot be learned: all pictures have it, or none"]
        if left_out
        else [],
    ), rows


def _classes(
    said: NDArray[np.bool_], given: NDArray[np.int8], labels: NDArray[np.str_]
) -> list[MeasuredClass]:
    found = []
    for number, name in enumerate(labels.tolist()):
        true, claimed = given[:, number] == 1, said[:, number]
        right, rows, many = int((true & claimed).sum()), int(true.sum()), int(claimed.sum())
        found.append(
            MeasuredClass(
                name=name,
                pictures=rows,
                recall=right / rows if rows else None,
                precision=right / many if many else None,
                f1=2 * right / (rows + many) if rows + many else 0.0,
                rare=0 < rows < _RARE * true.size,
            )
        )
    return sorted(found, key=lambda one: 2.0 if one.recall is None else one.recall)


def _mean_recall(said: NDArray[np.bool_], given: NDArray[np.int8]) -> float | None:
    counts = (given == 1).sum(axis=0)
    if not (counts > 0).any():
        return None
    right = (said & (given == 1)).sum(axis=0)
    return float((right[counts > 0] / counts[counts > 0]).mean())


def _calibration(probabilities: NDArray[np.float64], given: NDArray[np.int8]) -> float | None:
    """Return the calibration error of all yes-or-no answers together."""
    yes = probabilities.ravel()
    if not yes.size:
        return None
    return expected_calibration_error(
        np.stack([1.0 - yes, yes], axis=1), (given.ravel() == 1).astype(np.int64)
    )

"""Train a probe on labeled vectors and keep it; predict classes by one that is kept."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.probe import report_predictions, train_probe
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import duplicate_columns
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.services.probe.contract import (
    MeasuredClass,
    MeasuredSlice,
    ProbePredictions,
    ProbeTraining,
)
from tamis.services.probe.stored_probe import StoredProbe, find_probe
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from tamis.algo.intervals import Estimate
    from tamis.algo.probe import ProbeReport
    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import PredictProbe, TrainProbe
    from tamis.verbs.feedback import Feedback

__all__ = ["predict", "train"]

_SLICED: Final = (Column.SPLIT, Column.CLUSTER, Column.CAMERA)
_LEAST: Final = 2


def train(workspace: Workspace, request: TrainProbe, feedback: Feedback = SILENT) -> ProbeTraining:
    """Fit a classifier to the labels, measure it, and keep it as one operation.

    The layer `propagated` and other layers play no part. Near-duplicates are never both fitted on
    and measured on in cross-validation. Costs what `tamis.algo.probe.train_probe` does.

    Raises:
        UsageError: there are no such vectors, or fewer than two classes to fit.
        StorageError: the disk refuses.
    """
    progress = feedback.stage("probe")
    column = workspace.vector_column(request.encoder)
    known = workspace.samples.of(request.where).having(Column.LABEL).vectors(column)
    progress(0, len(known.ids))
    told = workspace.samples.rows([Column.LABEL, *_SLICED], known.ids)
    labels = np.array(told.column(Column.LABEL).to_pylist(), dtype=np.str_)
    test = np.array(
        [one == request.test_split for one in told.column(Column.SPLIT).to_pylist()], bool
    )
    fitted = np.flatnonzero(~test)
    if np.unique(labels[fitted]).size < _LEAST:
        raise UsageError(
            f"{fitted.size} pictures with a vector and a label, outside split "
            f"{request.test_split!r}, are of {np.unique(labels[fitted]).size} classes; a probe "
            "needs at least two:  tamis label set CLASS --where SQL"
        )
    groups = duplicate_columns(workspace.store, known.ids).held_out()
    probe = train_probe(
        known.vectors[fitted],
        labels[fitted],
        groups=groups[fitted],
        method=request.method,
        rng=np.random.default_rng(request.seed),
    )
    classes = probe.classes.astype(np.str_)
    probabilities = np.full((labels.size, classes.size), np.nan)
    probabilities[fitted] = probe.held_out.probabilities
    judged = np.flatnonzero(test & np.isin(labels, classes))
    if judged.size:
        probabilities[judged] = probe.probabilities(known.vectors[judged])
    measured = ~np.isnan(probabilities[:, 0])
    main = np.flatnonzero(measured & test if judged.size else measured)
    report = _report(probabilities, labels, classes, main)
    sliced = _report(probabilities, labels, classes, np.flatnonzero(measured), told)
    stored = StoredProbe(classes, probe.head, probe.temperature, column.spec, column.fingerprint)
    with workspace.store.operation(
        "probe train", {"encoder": column.name}, request.seed, request=request
    ) as operation:
        file = stored.write(workspace, request.name)
        operation.counts |= {"file": file, "labels": int(fitted.size)}
    progress(len(known.ids), len(known.ids))
    unknown = int(test.sum()) - judged.size
    accuracy = None if report is None else report.accuracy
    return ProbeTraining(
        name=request.name,
        method=probe.method,
        setting=dict(probe.setting),
        tried={kind: loss for kind, loss in probe.tried.items() if math.isfinite(loss)},
        labels=int(fitted.size),
        measured=int(main.size),
        measured_on="test split" if judged.size else "held-out labels",
        accuracy=_value(accuracy),
        low=None if accuracy is None else accuracy.low,
        high=None if accuracy is None else accuracy.high,
        balanced_accuracy=None if report is None else report.balanced_accuracy,
        ece=None if report is None else report.calibration_error,
        rare_recall=None if report is None else _value(report.rare_recall),
        classes=_classes(report),
        slices=_slices(sliced),
        encoder=column.spec,
        file=file,
        notes=_notes(unknown, request.test_split),
    )


def predict(
    workspace: Workspace, request: PredictProbe, feedback: Feedback = SILENT
) -> ProbePredictions:
    """Write the likeliest class of each picture into the layer `probe_NAME`, as one operation.

    What the layer said of these pictures is replaced.

    Raises:
        UsageError: the dataset has no such probe, or no vectors of its encoder.
        InputError: the probe's file is missing or damaged.
        ConflictError: another writer was in the way.
    """
    progress = feedback.stage("predict")
    probe = find_probe(workspace, request.name)
    column = workspace.vector_column(probe.fingerprint)
    layer = f"probe_{request.name}"
    rows = AnnotationRows(layer, author=f"tamis: probe {request.name}")
    counted: Counter[str] = Counter()
    ids: list[str] = []
    total = workspace.samples.of(request.where).embedded(column)
    for names, vectors in workspace.samples.of(request.where).vector_batches(column):
        probabilities = probe.probabilities(vectors)
        likeliest, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
        ids += names
        for row in np.flatnonzero(sure >= request.least_confidence).tolist():
            label = str(probe.classes[likeliest[row]])
            counted[label] += 1
            rows.add_class(names[row], label, float(sure[row]))
        progress(len(ids), total)
    predicted = len(rows)
    with workspace.store.operation(
        "probe predict", {"layer": layer, "where": request.where}, request=request
    ) as operation:
        operation.remove_annotations(layer, None if request.where is None else ids)
        if predicted:
            operation.add_annotations(rows.table())
        operation.counts |= {"predicted": predicted}
    return ProbePredictions(
        name=request.name,
        layer=layer,
        predicted=predicted,
        abstained=len(ids) - predicted,
        classes=dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))),
        encoder=probe.encoder,
    )


def _report(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.str_],
    classes: NDArray[np.str_],
    rows: NDArray[Any],
    told: pa.Table | None = None,
) -> ProbeReport | None:
    if not rows.size:
        return None
    columns = {} if told is None else {name: told.column(name).to_pylist() for name in _SLICED}
    slices = {
        str(name): np.array([values[row] for row in rows.tolist()], dtype=object)
        for name, values in columns.items()
        if any(value is not None for value in values)
    }
    truth = np.searchsorted(classes, labels[rows])
    return report_predictions(probabilities[rows], truth, classes.tolist(), slices=slices)


def _classes(report: ProbeReport | None) -> list[MeasuredClass]:
    return [
        MeasuredClass(
            one.name, one.rows, _value(one.recall), _value(one.precision), one.f1, one.rare
        )
        for one in (() if report is None else report.classes)
    ]


def _slices(report: ProbeReport | None) -> list[MeasuredSlice]:
    return [
        MeasuredSlice(
            column=one.column,
            value=str(one.value),
            pictures=one.rows,
            accuracy=one.accuracy.value,
            low=one.accuracy.low,
            high=one.accuracy.high,
            gap=one.gap,
            p_value=one.p_value,
        )
        for one in (() if report is None else report.slices)
    ]


def _notes(unknown: int, split: str) -> list[str]:
    if not unknown:
        return []
    said = f"{unknown} pictures of split {split!r} are of classes that no other labels show"
    return [f"{said}, and were not measured"]


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value

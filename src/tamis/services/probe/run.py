"""Train a probe on stored vectors and keep it; predict by one that is kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.joined_vectors import join_vectors
from tamis.dataset.annotation_layers import BY_PROBE
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.pages.page import require_page
from tamis.services.probe.contract import ProbePredictions, ProbeTraining
from tamis.services.probe.gallery import write_mistakes
from tamis.services.probe.learn_classes import learn_classes
from tamis.services.probe.learn_labels import learn_labels
from tamis.services.probe.learn_number import learn_number
from tamis.services.probe.measured import value_of
from tamis.services.probe.stored_probe import StoredProbe, find_probe
from tamis.services.probe.training_rows import joined_rows
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import PredictProbe, TrainProbe
    from tamis.services.probe.trained import Trained
    from tamis.types import Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["predict", "train"]


def train(workspace: Workspace, request: TrainProbe, feedback: Feedback = SILENT) -> ProbeTraining:
    """Fit a probe, measure it on what it was not fitted on, and keep it as one operation.

    Layers play no part unless one is named. Near-duplicates are never both fitted on and measured
    on in cross-validation. Costs what `tamis.algo.probe.train_probe` does, once more for each
    encoder where several are named.

    Raises:
        UsageError: there are no such vectors, or too little to learn.
        StorageError: the disk refuses.
    """
    progress = feedback.stage("probe")
    if request.gallery is not None:
        require_page(request.gallery)
    progress(0, 1)
    if request.layer is not None:
        found, rows = learn_labels(workspace, request, request.layer)
    elif request.column is not None:
        found, rows = learn_number(workspace, request, request.column)
    else:
        found, rows = learn_classes(workspace, request)
    stored = StoredProbe(
        found.classes,
        found.head,
        found.temperature,
        tuple(column.spec for column in rows.columns),
        tuple(column.fingerprint for column in rows.columns),
        found.learned,
        found.thresholds,
    )
    encoders = [column.name for column in rows.columns]
    with workspace.store.operation(
        "probe train", {"encoder": ", ".join(encoders)}, request.seed, request=request
    ) as operation:
        file = stored.write(workspace, request.name)
        operation.counts |= {"file": file, "labels": found.labels} | _told(found)
    progress(1, 1)
    accuracy = found.accuracy
    report = ProbeTraining(
        name=request.name,
        learned=found.learned,
        method=found.method,
        setting=found.setting,
        tried=found.tried,
        labels=found.labels,
        measured=found.measured,
        measured_on=found.measured_on,
        accuracy=value_of(accuracy),
        low=None if accuracy is None else accuracy.low,
        high=None if accuracy is None else accuracy.high,
        balanced_accuracy=found.balanced_accuracy,
        ece=found.ece,
        ece_before=found.ece_before,
        rare_recall=value_of(found.rare_recall),
        explained=found.explained,
        absolute_error=found.absolute_error,
        reach=found.reach,
        classes=found.measured_classes,
        confused=found.confused,
        slices=found.slices,
        compared=found.compared,
        encoder=stored.encoder,
        file=file,
        gallery=None if request.gallery is None else str(request.gallery),
        notes=found.notes,
    )
    if request.gallery is not None:
        write_mistakes(workspace.samples, report, found.mistakes, request.gallery)
    return report


def _told(found: Trained) -> dict[str, Any]:
    """Return what the log keeps of what was measured."""
    accuracy = found.accuracy
    return {
        "measured": found.measured,
        "measured_on": found.measured_on,
        "accuracy": value_of(accuracy),
        "low": None if accuracy is None else accuracy.low,
        "high": None if accuracy is None else accuracy.high,
        "ece": found.ece,
        "ece_before": found.ece_before,
        "reliability": [
            {"confidence": one.confidence, "right": one.right, "pictures": one.rows}
            for one in found.reliability
        ],
    }


def predict(
    workspace: Workspace, request: PredictProbe, feedback: Feedback = SILENT
) -> ProbePredictions:
    """Write what the probe says of each picture into the layer `probe_NAME`, as one operation.

    What the layer said of these pictures is replaced.

    Raises:
        UsageError: the dataset has no such probe, or no vectors of its encoders.
        InputError: the probe's file is missing or damaged.
        ConflictError: another writer was in the way.
    """
    progress = feedback.stage("predict")
    probe = find_probe(workspace, request.name)
    layer = f"probe_{request.name}"
    rows = AnnotationRows(layer, author=f"{BY_PROBE}{request.name}")
    counted: Counter[str] = Counter()
    ids: list[str] = []
    told: set[str] = set()
    total, batches = _vectors(workspace, request, probe)
    for names, vectors in batches:
        ids += names
        answers = probe.probabilities(vectors)
        if probe.learned == "number":
            for name, value in zip(names, answers[:, 0].tolist(), strict=True):
                rows.add_number(name, str(probe.classes[0]), value)
            told.update(names)
        else:
            for row, number in zip(*np.nonzero(_given(probe, answers, request)), strict=True):
                label = str(probe.classes[number])
                counted[label] += 1
                told.add(names[row])
                rows.add_class(names[row], label, float(answers[row, number]))
        progress(len(ids), total)
    with workspace.store.operation(
        "probe predict", {"layer": layer, "where": request.where}, request=request
    ) as operation:
        operation.remove_annotations(layer, None if request.where is None else ids)
        if told:
            operation.add_annotations(rows.table())
        operation.counts |= {"predicted": len(told)}
    return ProbePredictions(
        name=request.name,
        layer=layer,
        predicted=len(told),
        abstained=len(ids) - len(told),
        classes=dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))),
        encoder=probe.encoder,
    )


def _given(probe: StoredProbe, answers: Any, request: PredictProbe) -> Any:
    """Return which classes `[N, K]` are given: the likeliest, or all over their threshold."""
    sure = answers >= request.least_confidence
    if probe.thresholds is not None:
        return sure & (answers >= probe.thresholds)
    likeliest = np.zeros(answers.shape, np.bool_)
    likeliest[np.arange(len(answers)), answers.argmax(axis=1)] = True
    return sure & likeliest


def _vectors(
    workspace: Workspace, request: PredictProbe, probe: StoredProbe
) -> tuple[int, Iterator[tuple[list[str], Vectors]]]:
    """Return how many pictures there are, and their ids and vectors piece by piece."""
    samples = workspace.samples.of(request.where)
    columns = [workspace.vector_column(each) for each in probe.fingerprints]
    if len(columns) == 1:
        return samples.embedded(columns[0]), samples.vector_batches(columns[0])
    ids, parts = joined_rows(samples, columns)
    return len(ids), iter([(ids, join_vectors(parts))] if ids else [])

"""Propagate labels from few pictures to all, and queue what to look at."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation import propagate as propagate_rows
from tamis.algo.propagation import review_first
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.machine import one_blas_thread
from tamis.services.labeling.class_texts import class_texts
from tamis.services.labeling.contract import (
    PROPAGATED,
    ClassConflict,
    PropagationReport,
    ReviewQueue,
    ToReview,
    TriedMethod,
)
from tamis.services.labeling.known_labels import known_labels
from tamis.services.labeling.label_sets import propagate_layer
from tamis.services.labeling.measured import NEIGHBORS, expected_of, notes_on, told_of
from tamis.services.labeling.new_pictures import label_new
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.algo.neighbors import KnnGraph
    from tamis.algo.propagation import ClassTexts, Propagation
    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.contract import Propagate, Review
    from tamis.services.labeling.known_labels import KnownLabels
    from tamis.verbs.feedback import Feedback

__all__ = ["propagate", "review"]

_QUEUED: Final = 24
"""Pictures to review first that the log keeps, for the report."""


def propagate(
    workspace: Workspace, request: Propagate, feedback: Feedback = SILENT
) -> PropagationReport:
    """Write labels for pictures that have none into the layer `propagated`, as one operation.

    Those of a layer go to `propagated_LAYER`. What the layer said of these pictures is replaced.
    Costs what `tamis.algo.propagation.propagate` does.

    Raises:
        UsageError: there are no such vectors, or fewer than two classes.
        ConflictError: another writer was in the way.
    """
    progress = feedback.stage("propagate")
    if request.layer is not None:
        progress(0, 1)
        report = propagate_layer(workspace, request, request.layer)
        progress(1, 1)
        return report
    known = known_labels(workspace, request.where, request.encoder)
    progress(0, len(known.ids))
    if request.new_only:
        report = label_new(workspace, request, known)
        progress(len(known.ids), len(known.ids))
        return report
    texts = class_texts(workspace, request, known)
    found, graph = _propagated(known, request.seed, request.least_confidence, texts)
    free = np.ones(len(known.ids), np.bool_)
    free[known.rows] = False
    queue = review_first(
        graph, found.confidence, _QUEUED, candidates=np.flatnonzero(free), groups=known.groups
    ).indices
    given = np.flatnonzero(free & (found.labels >= 0)).tolist()
    rows = AnnotationRows(PROPAGATED, author=f"tamis: {found.method}")
    classes: Counter[str] = Counter()
    for row in given:
        label = str(found.classes[found.labels[row]])
        classes[label] += 1
        rows.add_class(known.ids[row], label, float(found.confidence[row]))
    whole = request.where is None
    with workspace.store.operation(
        "label propagate",
        {"where": request.where, "method": found.method},
        request.seed,
        request=request,
    ) as operation:
        operation.remove_annotations(PROPAGATED, None if whole else known.ids)
        if given:
            operation.add_annotations(rows.table())
        operation.counts |= {
            "labels": int(known.rows.size),
            "propagated": len(given),
            "abstained": int(free.sum()) - len(given),
            **told_of(found.expected),
            "queue": [known.ids[row] for row in queue.tolist()],
        }
    progress(len(known.ids), len(known.ids))
    return PropagationReport(
        labels=int(known.rows.size),
        propagated=len(given),
        abstained=int(free.sum()) - len(given),
        classes=dict(sorted(classes.items(), key=lambda pair: (-pair[1], pair[0]))),
        expected_accuracy=expected_of(found.expected),
        measured=found.measured,
        method=found.method,
        tried=[
            TriedMethod(
                one.name, None if one.accuracy is None else expected_of(one.accuracy), one.weight
            )
            for one in found.trials
        ],
        conflicts=[
            ClassConflict(
                [known.paths[row] for row in conflict.rows.tolist()],
                [str(found.classes[number]) for number in conflict.classes.tolist()],
            )
            for conflict in found.conflicts
        ],
        layer=PROPAGATED,
        encoder=known.encoder,
        notes=notes_on(found.measured, len(found.conflicts)),
    )


def review(workspace: Workspace, request: Review, feedback: Feedback = SILENT) -> ReviewQueue:
    """Queue the pictures without a label by how many errors a look at each is expected to settle.

    Raises:
        UsageError: there are no such vectors, or fewer than two classes.
    """
    progress = feedback.stage("review")
    known = known_labels(workspace, request.where, request.encoder)
    progress(0, len(known.ids))
    found, graph = _propagated(known, request.seed)
    free = np.setdiff1d(np.arange(len(known.ids)), known.rows)
    picks = review_first(
        graph, found.confidence, request.number, candidates=free, groups=known.groups
    )
    likeliest = found.probabilities.argmax(axis=1)
    progress(len(known.ids), len(known.ids))
    return ReviewQueue(
        queue=[
            ToReview(
                path=known.paths[row],
                sample_id=known.ids[row],
                suggested=str(found.classes[likeliest[row]]),
                confidence=float(found.confidence[row]),
                gain=gain,
            )
            for row, gain in zip(picks.indices.tolist(), picks.gains.tolist(), strict=True)
        ],
        unlabeled=int(free.size),
        method=found.method,
        expected_accuracy=expected_of(found.expected_of_all),
        encoder=known.encoder,
        notes=notes_on(found.measured, len(found.conflicts)),
    )


def _propagated(
    known: KnownLabels, seed: int, least_confidence: float = 0.5, texts: ClassTexts | None = None
) -> tuple[Propagation, KnnGraph]:
    rng = np.random.default_rng(seed)
    graph = knn_graph(known.vectors, NEIGHBORS, rng=rng)
    with one_blas_thread():
        found = propagate_rows(
            known.vectors,
            known.rows,
            known.labels,
            groups=known.groups,
            texts=texts,
            graph=graph,
            least_confidence=least_confidence,
            rng=rng,
        )
    return found, graph

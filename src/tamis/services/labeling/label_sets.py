"""Propagate the classes of a layer, of which a picture may have several."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.neighbors import knn_graph
from tamis.algo.propagation import propagate_label_sets
from tamis.dataset.columns import Column
from tamis.dataset.label_sets import classes_in
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.machine import one_blas_thread
from tamis.services.labeling.contract import (
    PROPAGATED,
    ClassConflict,
    PropagatedLabel,
    PropagationReport,
)
from tamis.services.labeling.known_labels import near_duplicates
from tamis.services.labeling.measured import NEIGHBORS, expected_of, notes_on, told_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.propagation import MultiLabelPropagation
    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.contract import Propagate

__all__ = ["propagate_layer"]

_METHOD: Final = "a mix for each label"


def propagate_layer(workspace: Workspace, request: Propagate, layer: str) -> PropagationReport:
    """Give the labels of a layer to the pictures that have none there, as one operation.

    They go to the layer `propagated_LAYER`. A picture with some labels in the layer has none of
    the others. What `tamis.algo.propagation.propagate_label_sets` costs.

    Raises:
        UsageError: there are no such vectors, or no label that some pictures have and others lack.
        ConflictError: another writer was in the way.
    """
    column = workspace.vector_column(request.encoder)
    embedded = workspace.samples.of(request.where).vectors(column)
    rows, given, names = _given(workspace, embedded.ids, layer)
    usable = np.flatnonzero(given.min(axis=0) < given.max(axis=0))
    if not usable.size:
        raise UsageError(
            f"{rows.size} of {len(embedded.ids)} pictures with a vector have classes in the layer "
            f"{layer!r}, and no class is there that some have and others lack: label pictures with "
            "other classes too"
        )
    groups = near_duplicates(workspace, embedded.ids)
    rng = np.random.default_rng(request.seed)
    graph = knn_graph(embedded.vectors, NEIGHBORS, rng=rng)
    with one_blas_thread():
        found = propagate_label_sets(
            embedded.vectors,
            rows,
            given[:, usable],
            [names[number] for number in usable.tolist()],
            groups=groups,
            graph=graph,
            least_confidence=request.least_confidence,
            rng=rng,
        )
    free = np.ones(len(embedded.ids), np.bool_)
    free[rows] = False
    answers = np.where(free[:, None], found.answers, -1)
    target = f"{PROPAGATED}_{layer}"
    table = AnnotationRows(target, author=f"tamis: {_METHOD}")
    for row, label in zip(*(each.tolist() for each in np.nonzero(answers == 1)), strict=True):
        table.add_class(
            embedded.ids[row], found.names[label], float(found.probabilities[row, label])
        )
    labeled = int((answers == 1).any(axis=1).sum())
    with workspace.store.operation(
        "label propagate",
        {"where": request.where, "layer": layer, "method": _METHOD},
        request.seed,
        request=request,
    ) as operation:
        operation.remove_annotations(target, None if request.where is None else embedded.ids)
        if labeled:
            operation.add_annotations(table.table())
        operation.counts |= {
            "labels": int(rows.size),
            "propagated": labeled,
            "abstained": int(free.sum()) - labeled,
            **told_of(found.expected),
        }
    paths = workspace.samples.rows([Column.PATH], embedded.ids).column(0).to_pylist()
    unusable = [names[n] for n in np.setdiff1d(np.arange(len(names)), usable).tolist()]
    classes = Counter({one.name: one.yes for one in found.outcomes if one.yes})
    return PropagationReport(
        labels=int(rows.size),
        propagated=labeled,
        abstained=int(free.sum()) - labeled,
        classes=dict(sorted(classes.items(), key=lambda pair: (-pair[1], pair[0]))),
        expected_accuracy=expected_of(found.expected),
        measured=found.measured,
        method=_METHOD,
        tried=[],
        by_label=_by_label(found),
        conflicts=_conflicts(found, rows, given, names, paths),
        layer=target,
        encoder=column.spec,
        notes=[
            *notes_on(found.measured, len(found.conflicts)),
            *(
                [f"{', '.join(unusable)} cannot be propagated: all labeled pictures have it"]
                if unusable
                else []
            ),
        ],
    )


def _given(
    workspace: Workspace, ids: list[str], layer: str
) -> tuple[NDArray[np.int64], NDArray[np.int8], list[str]]:
    """Return which rows have classes in the layer, `[S, L]` which, and the classes' names."""
    table = workspace.store.annotations(["sample_id", "label"], classes_in(layer))
    row_of = {sample_id: row for row, sample_id in enumerate(ids)}
    pairs = [
        (row_of[sample_id], label)
        for sample_id, label in zip(
            table.column("sample_id").to_pylist(), table.column("label").to_pylist(), strict=True
        )
        if sample_id in row_of and label is not None
    ]
    if not pairs:
        raise UsageError(
            f"no picture with a vector has a class in the layer {layer!r}:  tamis label layers  "
            "lists the layers"
        )
    rows = np.unique(np.array([row for row, _ in pairs], np.int64))
    names = sorted({label for _, label in pairs})
    given = np.zeros((rows.size, len(names)), np.int8)
    column_of = {name: number for number, name in enumerate(names)}
    for row, label in pairs:
        given[np.searchsorted(rows, row), column_of[label]] = 1
    return rows, given, names


def _by_label(found: MultiLabelPropagation) -> list[PropagatedLabel]:
    return [
        PropagatedLabel(
            label=one.name,
            pictures=one.yes,
            undecided=one.undecided,
            precision=expected_of(one.precision),
            accuracy=expected_of(one.accuracy),
            recall=None if math.isnan(one.recall) else one.recall,
            method=one.method,
        )
        for one in sorted(found.outcomes, key=lambda one: (-one.yes, one.name))
    ]


def _conflicts(
    found: MultiLabelPropagation,
    rows: NDArray[np.int64],
    given: NDArray[np.int8],
    names: list[str],
    paths: list[str],
) -> list[ClassConflict]:
    def said(row: int) -> str:
        has = given[np.searchsorted(rows, row)]
        return " + ".join(names[number] for number in np.flatnonzero(has).tolist())

    return [
        ClassConflict(
            [paths[row] for row in conflict.rows.tolist()],
            [said(row) for row in conflict.rows.tolist()],
        )
        for conflict in found.conflicts
    ]

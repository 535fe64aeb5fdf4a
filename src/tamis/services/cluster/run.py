"""Clusters of a dataset's pictures, as a mark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.clusters import cluster as cluster_rows
from tamis.algo.clusters import name_clusters, shared_traits
from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.services.cluster.contract import ClusterReport, FoundCluster
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.clusters import Clustering
    from tamis.runtime.workspace import Workspace
    from tamis.services.cluster.contract import Cluster
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["cluster"]


def cluster(workspace: Workspace, request: Cluster, feedback: Feedback = SILENT) -> ClusterReport:
    """Mark each picture with the number of its `cluster`, in one operation.

    Marks of pictures that take no part are cleared: numbers are of one run only. Costs what
    `tamis.algo.clusters.cluster` does.

    Raises:
        UsageError: no picture with a vector meets the condition, or there are fewer than k.
    """
    progress = feedback.stage("cluster")
    column = workspace.vector_column(request.encoder)
    known = workspace.samples.of(request.where).vectors(column)
    size = len(known.ids)
    k = None if request.k == "auto" else request.k
    if size == 0:
        raise UsageError(f"no picture with a vector in {known.column} meets the condition")
    if k is not None and k > size:
        raise UsageError(f"{size} pictures cannot make {k} clusters; give a smaller k")
    progress(0, size)
    with one_blas_thread():
        found = cluster_rows(known.vectors, k, rng=np.random.default_rng(request.seed))
    marked = workspace.samples.of(kind=Kind.ALL).having(Column.CLUSTER)
    old = sorted(set(marked.ids) - set(known.ids))
    params = {"column": known.column, "where": request.where, "k": len(found.sizes)}
    with workspace.store.operation("cluster", params, request.seed, request=request) as operation:
        numbers = [*found.labels.tolist(), *[None] * len(old)]
        operation.set_marks([*known.ids, *old], {Column.CLUSTER: pa.array(numbers, pa.int32())})
        operation.counts |= {"clusters": len(found.sizes), "pictures": size}
    told = workspace.samples.rows([Column.PATH, Column.LABEL], known.ids)
    paths = told.column(Column.PATH).to_pylist()
    names = _names(found.labels, told.column(Column.LABEL).to_pylist())
    progress(size, size)
    return ClusterReport(
        clusters=[
            FoundCluster(
                id=number,
                size=int(found.sizes[number]),
                examples=[paths[row] for row in _nearest(found, number, request.examples)],
                name=names[number],
                stability=_each(found, number),
            )
            for number in range(len(found.sizes))
        ],
        pictures=size,
        reason=found.reason,
        stability=None if found.stability is None else _known(found.stability.mean),
        encoder=column.spec,
    )


def _names(labels: Indices, classes: Sequence[str | None]) -> tuple[str, ...]:
    """Name clusters by the labels that their pictures have more often than the rest."""
    names = sorted({name for name in classes if name})
    place = {name: number for number, name in enumerate(names)}
    present = np.zeros((len(classes), len(names)), np.bool_)
    for row, name in enumerate(classes):
        if name:
            present[row, place[name]] = True
    return name_clusters(shared_traits(labels, present, names))


def _nearest(found: Clustering, number: int, count: int) -> list[int]:
    rows = np.flatnonzero(found.labels == number)
    best: list[int] = rows[np.argsort(-found.likeness[rows], kind="stable")][:count].tolist()
    return best


def _each(found: Clustering, number: int) -> float | None:
    if found.stability is None or number >= len(found.stability.clusters):
        return None
    return _known(float(found.stability.clusters[number]))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None

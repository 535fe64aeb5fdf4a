"""Clusters of a dataset's pictures, as a mark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from tamis.algo.clusters import (
    Clustering,
    assign_clusters,
    cluster_by_density,
    zoom_levels,
)
from tamis.algo.clusters import cluster as cluster_rows
from tamis.algo.unit_vectors import normalise_rows
from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.pages.page import require_page
from tamis.services.cluster.contract import ClusterReport, FoundCluster
from tamis.services.cluster.gallery import write_clusters
from tamis.services.cluster.names import cluster_names
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.schema import VectorColumn
    from tamis.runtime.workspace import Workspace
    from tamis.services.cluster.contract import Cluster
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["cluster"]

_ON_PAGE: Final = 12
_LEVEL: Final = "cluster_level_"


def cluster(workspace: Workspace, request: Cluster, feedback: Feedback = SILENT) -> ClusterReport:
    """Mark each picture with the number of its `cluster`, in one operation.

    Marks of pictures that take no part are cleared: numbers are of one run only. With `join`,
    pictures without a number get that of the nearest cluster, as it is, and no other changes.
    Costs what `tamis.algo.clusters.cluster` does.

    Raises:
        UsageError: no picture with a vector meets the condition, there are fewer than k, or there
            is no cluster to join.
        MissingExtraError: the method's package is not installed.
    """
    progress = feedback.stage("cluster")
    if request.gallery is not None:
        require_page(request.gallery)
    column = workspace.vector_column(request.encoder)
    known = workspace.samples.of(request.where).vectors(column)
    size = len(known.ids)
    k = None if request.k == "auto" else request.k
    if size == 0:
        raise UsageError(f"no picture with a vector in {known.column} meets the condition")
    if k is not None and k > size:
        raise UsageError(f"{size} pictures cannot make {k} clusters; give a smaller k")
    progress(0, size)
    rng = np.random.default_rng(request.seed)
    joined = 0
    levels: list[Indices] = []
    with one_blas_thread():
        if request.join:
            asked = set(known.ids)
            known = workspace.samples.of().vectors(column)
            found, joined = _joined(workspace, known, asked)
        elif request.method != "k-means":
            found = cluster_by_density(known.vectors, request.method, rng=rng)
        else:
            found = cluster_rows(known.vectors, k, rng=rng)
        if request.levels:
            levels = list(zoom_levels(known.vectors, found.labels, rng=rng).labels)
    _mark(workspace, request, known, found, levels)
    told = workspace.samples.rows([Column.PATH], known.ids)
    paths = told.column(Column.PATH).to_pylist()
    names = cluster_names(
        workspace, known.ids, found.labels, request.words, (column, known.vectors)
    )
    progress(size, size)
    report = _report(request, found, paths, names, column, joined, levels)
    if request.gallery is not None:
        typical = {
            number: [known.ids[row] for row in _nearest(found, number, _ON_PAGE)]
            for number in range(len(found.sizes))
        }
        write_clusters(workspace.samples, report, typical, request.gallery)
    return report


def _joined(
    workspace: Workspace, known: EmbeddedSamples, asked: set[str]
) -> tuple[Clustering, int]:
    """Return the clusters that are marked, with the pictures asked for that have no number yet."""
    there = workspace.samples.has(Column.CLUSTER)
    marked = (
        workspace.samples.rows([Column.CLUSTER], known.ids).column(0).to_pylist() if there else []
    )
    labels = np.array([-1 if one is None else one for one in marked] or [-1], np.int64)
    if labels.max() < 0:
        raise UsageError("no picture has a cluster to join: run  tamis cluster  first")
    new = [row for row, name in enumerate(known.ids) if labels[row] < 0 and name in asked]
    if new:
        before = _as_numbered(known, labels)
        full = np.flatnonzero(before.sizes)
        near = assign_clusters(known.vectors[new], before.centroids[full])[0]
        labels[new] = full[near]
    return _as_numbered(known, labels), len(new)


def _as_numbered(known: EmbeddedSamples, labels: Indices) -> Clustering:
    """Describe clusters under the numbers that they have, some of which may be empty."""
    count, kept = int(labels.max()) + 1, np.flatnonzero(labels >= 0)
    sums = np.zeros((count, known.vectors.shape[1]))
    np.add.at(sums, labels[kept], known.vectors[kept])
    centroids = normalise_rows(sums).astype(np.float32)
    likeness = np.full(labels.size, np.nan, np.float32)
    likeness[kept] = np.einsum("nd,nd->n", known.vectors[kept], centroids[labels[kept]])
    sizes, none = np.bincount(labels[kept], minlength=count), np.zeros(count, np.int64)
    reason = f"{np.count_nonzero(sizes)} clusters, as they were"
    return Clustering(labels, centroids, none, likeness, sizes, None, (), reason)


def _mark(
    workspace: Workspace,
    request: Cluster,
    known: EmbeddedSamples,
    found: Clustering,
    levels: list[Indices],
) -> None:
    """Write the numbers, and clear those of pictures that took no part, as one operation."""
    marked = workspace.samples.of(kind=Kind.ALL).having(Column.CLUSTER)
    old = [] if request.join else sorted(set(marked.ids) - set(known.ids))
    stale = [name for name in workspace.samples.columns if name.startswith(_LEVEL)]
    params = {"column": known.column, "where": request.where, "k": len(found.sizes)}
    with workspace.store.operation("cluster", params, request.seed, request=request) as operation:
        every = [*known.ids, *old]
        marks: dict[str, pa.Array] = {Column.CLUSTER: _numbers(found.labels, len(old))}
        if not request.join:
            marks |= {name: pa.nulls(len(every), pa.int32()) for name in stale}
        for number, labels in enumerate(levels):
            marks[f"{_LEVEL}{number}"] = _numbers(labels, len(old))
        operation.set_marks(every, marks)
        operation.counts |= {"clusters": len(found.sizes), "pictures": len(known.ids)}


def _numbers(labels: Indices, cleared: int) -> pa.Array:
    values = [None if one < 0 else one for one in labels.tolist()]
    return pa.array([*values, *[None] * cleared], pa.int32())


def _report(  # noqa: PLR0917 - what a report is made of
    request: Cluster,
    found: Clustering,
    paths: list[str],
    names: tuple[str, ...],
    column: VectorColumn,
    joined: int,
    levels: list[Indices],
) -> ClusterReport:
    outside = int((found.labels < 0).sum())
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
            if found.sizes[number]
        ],
        pictures=len(paths) - outside,
        outside=outside,
        joined=joined,
        levels=[int(each.max()) + 1 for each in levels],
        gallery=None if request.gallery is None else str(request.gallery),
        reason=found.reason,
        stability=None if found.stability is None else _known(found.stability.mean),
        encoder=column.spec,
        notes=[f"{counted(joined, 'picture')} joined"] if request.join else [],
    )


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

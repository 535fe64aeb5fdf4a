"""Pictures that are odd as a whole: far from all others, or from nominal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from tamis.algo.ledoit_wolf import ledoit_wolf
from tamis.algo.outliers import neighbor_distances
from tamis.dataset.columns import Column
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.pages.page import require_page
from tamis.services.outliers.contract import OddPicture, OutliersReport, RareCluster
from tamis.services.outliers.gallery import write_outliers
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.outliers.contract import Outliers
    from tamis.verbs.feedback import Feedback

__all__ = ["outliers"]

_MOST: Final = 20_000
"""Pictures that others are compared with at most; more are drawn from at random."""

_EXAMPLES: Final = 5


@one_blas_thread()
def outliers(
    workspace: Workspace, request: Outliers, feedback: Feedback = SILENT
) -> OutliersReport:
    """Mark each picture with its `neighbor_distance` and its `mahalanobis`, in one operation.

    The first sees a picture that few are like, the second one that varies as the others do not. A
    picture is never compared with itself. Marks of pictures that take no part are cleared.

    Raises:
        UsageError: fewer than 3 pictures with a vector meet a condition, or all vectors are equal.
    """
    if request.gallery is not None:
        require_page(request.gallery)
    store, progress = workspace.store, feedback.stage("outliers")
    known = workspace.vector_column(request.encoder)
    samples = workspace.samples.of(request.where).vectors(known.name)
    size = len(samples.ids)
    nominal = samples
    if request.nominal is not None:
        condition = all_of(request.where, request.nominal)
        nominal = workspace.samples.of(condition).vectors(known.name)
    if len(nominal.ids) <= 2:  # noqa: PLR2004 - two have no spread of their own
        raise UsageError(
            f"{len(nominal.ids)} pictures with a vector in {samples.column} meet the condition; "
            "distances need at least 3 to compare with"
        )
    progress(0, size)
    rng = np.random.default_rng(request.seed)
    drawn = np.arange(len(nominal.ids))
    if len(drawn) > _MOST:
        drawn = np.sort(rng.choice(len(drawn), _MOST, replace=False))
    reference = np.asarray(nominal.vectors[drawn], np.float32)
    among = {nominal.ids[place] for place in drawn.tolist()}
    own = np.array([one in among for one in samples.ids], np.bool_)
    spread = ledoit_wolf(reference)
    marks = {
        "neighbor_distance": neighbor_distances(
            samples.vectors, reference, own, k=request.k
        ).astype(np.float64),
        "mahalanobis": spread.distances(samples.vectors, own),
    }
    scored = workspace.samples.of(kind=Kind.ALL).having(Column.NEIGHBOR_DISTANCE)
    old = sorted(set(scored.ids) - set(samples.ids))
    params = {"column": samples.column, "reference": len(drawn)}
    with store.operation(
        "outliers", params=params, seed=request.seed, request=request
    ) as operation:
        operation.set_marks(
            [*samples.ids, *old],
            {
                column: pa.array([*marks[column].tolist(), *[None] * len(old)], pa.float32())
                for column in (Column.NEIGHBOR_DISTANCE, Column.MAHALANOBIS)
            },
        )
        operation.counts["scored"] = size
    found = _farthest(workspace, samples.ids, marks, own, request)
    clusters = _clusters(workspace, samples.ids, marks[request.by])
    notes = []
    if not clusters:
        notes.append("no picture has the mark `cluster`: run  tamis cluster  for the rarest groups")
    report = OutliersReport(
        scored=size,
        reference=len(drawn),
        shrinkage=spread.shrinkage,
        pictures=found,
        clusters=clusters,
        encoder=known.spec,
        column=samples.column,
        gallery=None if request.gallery is None else str(request.gallery),
        notes=notes,
    )
    if request.gallery is not None:
        write_outliers(workspace.samples, report, request, request.gallery)
    progress(size, size)
    return report


def _farthest(
    workspace: Workspace,
    ids: Sequence[str],
    marks: Mapping[str, NDArray[np.float64]],
    own: NDArray[np.bool_],
    request: Outliers,
) -> list[OddPicture]:
    values = marks[request.by]
    order = sorted(range(len(ids)), key=lambda row: (-values[row], ids[row]))[: request.count]
    names = [ids[row] for row in order]
    paths = workspace.store.read(["path"], ids=names)["path"].to_pylist()
    # those compared with may lie outside of what was scored
    nominal = np.sort(values[own])
    return [
        OddPicture(
            path,
            ids[row],
            float(marks["neighbor_distance"][row]),
            float(marks["mahalanobis"][row]),
            float(1 - np.searchsorted(nominal, values[row]) / max(len(nominal), 1)),
        )
        for path, row in zip(paths, order, strict=True)
    ]


def _clusters(
    workspace: Workspace, ids: Sequence[str], values: NDArray[np.float64]
) -> list[RareCluster]:
    """Return the clusters among the pictures: the smallest first, then the farthest."""
    if not workspace.samples.of().having(Column.CLUSTER).count():
        return []
    table = workspace.store.read(["path", Column.CLUSTER], ids=list(ids))
    paths, numbers = table["path"].to_pylist(), table[Column.CLUSTER].to_pylist()
    members: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        if number is not None and number >= 0:
            members.setdefault(number, []).append(row)
    found = []
    for number, rows in members.items():
        first = sorted(rows, key=lambda row: (-values[row], ids[row]))[:_EXAMPLES]
        middle = float(np.median(values[rows]))
        found.append(RareCluster(number, len(rows), middle, [paths[row] for row in first]))
    return sorted(found, key=lambda one: (one.size, -one.distance, one.id))

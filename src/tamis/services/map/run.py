"""A map of a dataset's pictures, as two marks."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from tamis.algo.principal_plane import principal_plane
from tamis.algo.projection import FEWEST_ROWS, Placement, neighbor_layout, preservation
from tamis.dataset.map_columns import map_columns
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.machine import usable_processors
from tamis.runtime.picture_map import (
    REFERENCE,
    evenly,
    later_places,
    map_of,
    reference_of,
    vectors_of,
)
from tamis.services.map.contract import Kept, MapReport
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.projection import Preservation
    from tamis.dataset.operation import Operation
    from tamis.dataset.schema import VectorColumn
    from tamis.runtime.workspace import Workspace
    from tamis.services.map.contract import MakeMap
    from tamis.types import Progress, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["make_map"]

_CHECKPOINT_ROWS: Final = 65_536
_PLANE_ROWS: Final = 4000
_WORTH_THREADS: Final = 10_000


def make_map(workspace: Workspace, request: MakeMap, feedback: Feedback = SILENT) -> MapReport:
    """Give each picture a place on a map that keeps neighbors, in one operation.

    At most 100,000 pictures, chosen by sample id, are laid out
    (`tamis.algo.projection.neighbor_layout`), all others are placed among them, parts of pictures
    too. If there is a map already, pictures without a place are placed among at most 20,000 that
    have one, and no other mark is touched. Memory: 4 D bytes for each that is laid out, and 2 kB.

    Raises:
        MissingExtraError: a map is to be laid out, and openTSNE is not installed.
        UsageError: there are no such vectors, or too few to lay out.
    """
    samples = workspace.samples
    column = workspace.vector_column(request.encoder)
    made = None if request.again else map_of(samples, column)
    if made is None:
        return _made(workspace, request, column, feedback)
    return _grown(workspace, request, column, made.fingerprint, feedback)


def _made(
    workspace: Workspace, request: MakeMap, column: VectorColumn, feedback: Feedback
) -> MapReport:
    samples = workspace.samples
    pictures = samples.of().having(column.name).ids
    if len(pictures) < FEWEST_ROWS:
        raise UsageError(
            f"{counted(len(pictures), 'picture has')} a vector of {column.spec}; a map needs "
            f"{FEWEST_ROWS} or more"
        )
    chosen = evenly(pictures, request.landmarks)
    vectors = vectors_of(samples, column, chosen)
    rng = np.random.default_rng(request.seed)
    progress = feedback.stage("map")
    places = neighbor_layout(vectors, rng=rng, threads=_threads(len(vectors)), progress=progress)
    plane = principal_plane(vectors[:: max(len(vectors) // _PLANE_ROWS, 1)])
    flat = preservation(vectors, plane.place(vectors), rng=np.random.default_rng(request.seed))
    kept = preservation(vectors, places, rng=np.random.default_rng(request.seed))
    fingerprint = _fingerprint(column, chosen, places)
    params = {"column": column.name, "fingerprint": fingerprint}
    across, up = map_columns(column)
    with workspace.store.operation("map", params, request.seed, request=request) as operation:
        _set(operation, (across, up), chosen, places)
        others = _others(
            workspace,
            operation,
            column,
            laid_out=set(chosen),
            known=(vectors, places),
            seed=request.seed,
            progress=feedback.stage("place"),
        )
        placed = len(chosen) + others
        operation.counts |= _counts(placed, kept)
    return MapReport(
        pictures=placed,
        placed=placed,
        laid_out=len(chosen),
        trustworthiness=kept.trustworthiness,
        neighbors_kept=kept.neighbors_kept,
        neighbors=kept.neighbors,
        plane=Kept(flat.trustworthiness, flat.neighbors_kept),
        fingerprint=fingerprint,
        columns=(across, up),
        encoder=column.spec,
    )


def _others(
    workspace: Workspace,
    operation: Operation,
    column: VectorColumn,
    *,
    laid_out: set[str],
    known: tuple[Vectors, Vectors],
    seed: int,
    progress: Progress,
) -> int:
    """Place all that were not laid out, and return how many there are."""
    everything = workspace.samples.of(kind=Kind.ALL).having(column.name)
    total = everything.count() - len(laid_out)
    if total <= 0:
        return 0
    placement = Placement(*known, expected=total, rng=np.random.default_rng(seed))
    done = since = 0
    for ids, vectors in everything.vector_batches(column):
        new = np.array([name not in laid_out for name in ids], bool)
        names = [name for name, is_new in zip(ids, new.tolist(), strict=True) if is_new]
        _set(operation, map_columns(column), names, placement.of(vectors[new]))
        done, since = done + len(names), since + len(names)
        if since >= _CHECKPOINT_ROWS:
            operation.checkpoint()
            since = 0
        progress(done, total)
    return done


def _grown(
    workspace: Workspace,
    request: MakeMap,
    column: VectorColumn,
    fingerprint: str,
    feedback: Feedback,
) -> MapReport:
    samples = workspace.samples
    columns = map_columns(column)
    everything = samples.of(kind=Kind.ALL).having(column.name)
    total = everything.lacking(columns[0]).count()
    known = reference_of(samples, column)
    progress = feedback.stage("place")
    progress(0, total)
    ids: list[str] = []
    looked, where = [known[0]], [known[1]]
    found: list[Vectors] = []
    for names, vectors, places in later_places(samples, column, known, seed=request.seed):
        ids += names
        found.append(places)
        if len(ids) <= REFERENCE:
            looked.append(vectors)
            where.append(places)
        progress(len(ids), total)
    kept = preservation(
        np.concatenate(looked), np.concatenate(where), rng=np.random.default_rng(request.seed)
    )
    if ids:
        params = {"column": column.name, "fingerprint": fingerprint}
        with workspace.store.operation("map", params, request.seed, request=request) as operation:
            _set(operation, columns, ids, np.concatenate(found))
            operation.counts |= _counts(len(ids), kept)
    return MapReport(
        pictures=everything.count(),
        placed=len(ids),
        laid_out=0,
        trustworthiness=kept.trustworthiness,
        neighbors_kept=kept.neighbors_kept,
        neighbors=kept.neighbors,
        plane=None,
        fingerprint=fingerprint,
        columns=columns,
        encoder=column.spec,
        notes=[] if ids else ["every picture with a vector is on the map; --again makes it anew"],
    )


def _threads(rows: int) -> int:
    # of short steps threads spend most of their time in waiting for each other
    return usable_processors() if rows >= _WORTH_THREADS else 1


def _set(
    operation: Operation,
    columns: tuple[str, str],
    ids: Sequence[str],
    places: Vectors,
) -> None:
    if ids:
        operation.set_marks(
            ids,
            {name: pa.array(places[:, axis], pa.float32()) for axis, name in enumerate(columns)},
        )


def _counts(placed: int, kept: Preservation) -> dict[str, int | float]:
    return {
        "placed": placed,
        "trustworthiness": kept.trustworthiness,
        "neighbors_kept": kept.neighbors_kept,
    }


def _fingerprint(column: VectorColumn, ids: Sequence[str], places: Vectors) -> str:
    digest = blake2b(column.fingerprint.encode(), digest_size=8)
    digest.update("\n".join(ids).encode())
    digest.update(places.astype("<f4").tobytes())
    return digest.hexdigest()

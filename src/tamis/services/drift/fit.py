"""A reference of how pictures look, stored to compare later ones with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.drift import fit_reference
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.services.drift.probe import fit_probe
from tamis.services.drift.reference import FOLDER, Facts, Reference
from tamis.services.drift.result import DriftFitReport
from tamis.services.drift.side import FEWEST, FIGURES, side_of
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.drift.contract import DriftFit
    from tamis.services.drift.probe import LinearProbe
    from tamis.services.drift.side import Side
    from tamis.types import Indices
    from tamis.verbs.feedback import Feedback

__all__ = ["LOW_POWER", "fit"]

LOW_POWER: Final = 50
"""Draws a side under which small drifts mostly go unseen."""

_MOST_BYTES: Final = 4_000_000
_ROW_BYTES: Final = 12 + 4 + 4 * (len(FIGURES) + 1)
"""Of a row beside its numbers: scale, block, place, class and covariates."""

_ID_BYTES: Final = 16
_WIDEST: Final = 384
_SPARE: Final = 16_384


@one_blas_thread()
def fit(workspace: Workspace, request: DriftFit, _feedback: Feedback = SILENT) -> DriftFitReport:
    """Store a reference of the pictures that have vectors.

    In the dataset it is one operation, and its file is named by its content, so that an undo
    brings back the reference before it. O(N D) to read, and a probe's fit where there are labels.

    Raises:
        UsageError: no such vectors, or fewer than 20 draws.
        StorageError: the disk refuses.
    """
    samples = workspace.samples
    column = workspace.vector_column(request.encoder)
    all_follow = request.block is not None
    side = side_of(samples.of(request.where), column.name, all_follow=all_follow)
    length = request.block or side.found_block_length()
    blocks = side.blocks(length)
    draws = np.unique(blocks).size
    if draws < FEWEST:
        counting = "" if length == 1 else f", which count as {draws} (blocks of {length} in a row)"
        raise UsageError(
            f"too few pictures: {len(side.ids)}{counting}; a reference needs at least {FEWEST}, "
            "better 200: add more, or frames of a longer time"
        )
    facts = Facts(
        encoder=column.spec,
        fingerprint=column.fingerprint,
        covariates=(*FIGURES, "camera"),
        cameras=tuple(sorted({name for name in side.cameras if name is not None})),
        days=side.days,
        block_length=length,
        all_follow=all_follow,
        level=request.level,
        seed=request.seed,
    )
    rng = np.random.default_rng(request.seed)
    probe = fit_probe(side, blocks, rng)
    reference = _reference(side, blocks, facts, probe, rng)
    path = request.out or workspace.path / FOLDER / reference.name
    if request.out is not None:
        size = reference.write(path)
    else:
        params = {"encoder": column.name, "where": request.where, "block": request.block}
        store = workspace.store
        with store.operation("drift fit", params, request.seed, request=request) as operation:
            size = reference.write(path)
            operation.counts |= {
                "reference": f"{FOLDER}/{reference.name}",
                "pictures": len(side.ids),
                "stored": len(reference.ids),
            }
    units = np.unique(reference.rows.blocks).size
    notes = []
    if units < LOW_POWER:
        what = "pictures" if length == 1 else f"blocks of {length} pictures"
        notes.append(f"{units} {what} are few: only a drift of most pictures will be seen")
    return DriftFitReport(
        reference=str(path),
        bytes=size,
        encoder=column.spec,
        pictures=len(side.ids),
        stored=len(reference.ids),
        units=units,
        block_length=length,
        covariates=[
            name
            for name, values in zip(facts.covariates, reference.rows.covariates.T, strict=True)
            if np.isfinite(values).any()
        ],
        classes=[] if probe is None else [str(name) for name in probe.classes],
        notes=notes,
    )


def _reference(
    side: Side,
    blocks: Indices,
    facts: Facts,
    probe: LinearProbe | None,
    rng: np.random.Generator,
) -> Reference:
    width = min(_WIDEST, side.vectors.shape[1])
    size = width + _ROW_BYTES
    taken = 0 if probe is None else sum(array.nbytes for array in probe.arrays().values())
    rows = (_MOST_BYTES - _SPARE - taken) // (size + _ID_BYTES)
    stored = fit_reference(
        side.vectors,
        blocks=blocks,
        covariates=side.covariates(facts.cameras),
        most_bytes=rows * size,
        rng=rng,
    )
    return Reference(stored, tuple(side.ids[row] for row in stored.rows.tolist()), facts, probe)

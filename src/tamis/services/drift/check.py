"""Whether pictures have drifted from a reference, how much, and what changed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.drift import Covariate, changed_clusters, decide_drift, drifted_rows
from tamis.algo.two_sample import frechet_distance, population_stability
from tamis.dataset.columns import Column
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.services.drift.batch import batch_of
from tamis.services.drift.explanation import explain
from tamis.services.drift.fit import LOW_POWER
from tamis.services.drift.monitor import watch_batch
from tamis.services.drift.reference import find_reference
from tamis.services.drift.result import (
    DriftCluster,
    DriftCovariate,
    DriftExample,
    DriftMagnitude,
    DriftReport,
)
from tamis.services.drift.side import FEWEST
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tamis.algo.drift import (
        ClusterChange,
        ClusterChanges,
        CovariateDrift,
        DriftDecision,
        DriftedRows,
    )
    from tamis.algo.two_sample import Pooled
    from tamis.runtime.workspace import Workspace
    from tamis.services.drift.batch import Batch
    from tamis.services.drift.contract import DriftCheck
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.side import Side
    from tamis.verbs.feedback import Feedback

__all__ = ["check"]

_CAMERA: Final = "camera"
_HOUR: Final = "hour"


def check(
    workspace: Workspace | None, request: DriftCheck, feedback: Feedback = SILENT
) -> DriftReport:
    """Compare pictures with a reference; the dataset is not changed.

    The decision is about vectors and covariates together, at one level
    (`tamis.algo.drift.decide_drift`); clusters, harm and magnitude explain it and never decide.
    About two seconds for 10,000 pictures on either side, once they are embedded.

    Raises:
        UsageError: there is no reference, the batch has fewer than 20 draws, or no vectors of the
            reference's encoder.
        InputError: a source or the reference cannot be read.
        EncoderError: the encoder is not the reference's any more.
        ConflictError: another check adds to the running e-value now.
        StorageError: the disk refuses.
    """
    reference = find_reference(workspace, request.reference)
    batch = batch_of(workspace, request, reference.facts, feedback)
    return _compared(workspace, request, reference, batch)


@one_blas_thread()
def _compared(
    workspace: Workspace | None, request: DriftCheck, reference: Reference, batch: Batch
) -> DriftReport:
    assert reference.path is not None
    side, notes = batch.side, list(batch.notes)
    length = reference.facts.block_length
    blocks = side.blocks(length)
    draws = np.unique(blocks).size
    if draws < FEWEST:
        in_blocks = "" if length == 1 else f" (blocks of {length} in a row)"
        raise UsageError(
            f"{len(side.ids)} pictures are {draws} draws{in_blocks}, and a check needs at least "
            f"{FEWEST}, better 200: check more at a time"
        )
    if draws < LOW_POWER:
        notes.append(f"{draws} draws are few: only a drift of most pictures would be seen")
    own = np.isin(side.ids, reference.ids)
    if own.any():
        notes.append(
            f"{np.count_nonzero(own)} of the pictures are in the reference itself, which hides "
            "drift: check others"
        )
    kept, left_out = _covariates(request, reference, side)
    notes += left_out
    names = [reference.facts.covariates[column] for column in kept]
    rows = replace(reference.rows, covariates=reference.rows.covariates[:, kept])
    cameras = reference.facts.cameras
    rng = np.random.default_rng(request.seed)
    pooled = rows.pooled_with(
        side.vectors, blocks=blocks, covariates=side.covariates(cameras)[:, kept], rng=rng
    )
    chance: dict[str, Any] = {
        "level": request.level,
        "permutations": request.permutations,
        "rng": rng,
    }
    decision = decide_drift(
        pooled, [Covariate(name, is_category=name == _CAMERA) for name in names], **chance
    )
    changes = changed_clusters(pooled, **chance)
    shown = drifted_rows(pooled, request.examples, rng=rng)
    explanation = explain(pooled, decision, changes, permutations=request.permutations, rng=rng)
    probe = reference.probe
    watched = None
    if request.monitor:
        watched = watch_batch(reference, reference.path, side, blocks, ~own)
        if watched.again:
            notes.append(
                f"{watched.again} pictures were counted in the running e-value by an earlier "
                "check, and count once"
            )
    found = _Found(reference, side, pooled, workspace)
    return DriftReport(
        drift=decision.drift,
        p_value=decision.p,
        level=decision.level,
        p_vectors=decision.p_vectors,
        e_value=None if watched is None else watched.e_value,
        alarms=() if watched is None else watched.alarms,
        cause=explanation.cause,
        explanation=explanation.sentences,
        magnitude=_magnitude(pooled, decision, changes),
        harm=None if probe is None else probe.harm(side.vectors, blocks),
        clusters=[found.cluster(one) for one in changes.clusters if one.change != "same"],
        covariates=[_covariate(one, cameras, side) for one in decision.covariates],
        examples=found.examples(shown),
        select=found.commands(request, shown) if decision.drift else (),
        pictures=len(side.ids),
        units=(int(np.unique(rows.blocks).size), draws),
        reference=str(reference.path),
        reference_pictures=len(reference.ids),
        failed=batch.failed,
        notes=notes,
    )


def _covariates(
    request: DriftCheck, reference: Reference, side: Side
) -> tuple[list[int], list[str]]:
    """Which columns are compared, and what to say of those that are left out."""
    facts = reference.facts
    theirs = side.covariates(facts.cameras)
    kept, notes = [], []
    for column, name in enumerate(facts.covariates):
        if request.covariates and name not in request.covariates:
            continue
        known = [
            bool(np.isfinite(values[:, column]).any())
            for values in (reference.rows.covariates, theirs)
        ]
        if not all(known):
            if any(known) or name in request.covariates:
                notes.append(f"the {name} is not known on both sides and was not compared")
            continue
        if not request.covariates:
            one_day = name == _HOUR and min(side.days, facts.days) < 2  # noqa: PLR2004 - several
            cameras = {one for one in side.cameras if one is not None}
            one_camera = name == _CAMERA and len(cameras) < 2  # noqa: PLR2004 - several
            if one_day or one_camera:
                # of a day's pictures the hour always differs from that of a month's
                continue
        kept.append(column)
    return kept, notes


def _magnitude(pooled: Pooled, decision: DriftDecision, changes: ClusterChanges) -> DriftMagnitude:
    counts = np.array([(one.reference, one.batch) for one in changes.clusters], np.int64)
    return DriftMagnitude(
        mmd2=decision.mmd2,
        frechet=frechet_distance(pooled.X[~pooled.batch], pooled.X[pooled.batch]),
        psi=population_stability(counts[:, 0], counts[:, 1]),
        area_under_curve=decision.area_under_curve,
        neighbors_alike=decision.neighbors_alike,
    )


def _covariate(one: CovariateDrift, cameras: Sequence[str], side: Side) -> DriftCovariate:
    values: list[float | str | None] = [
        None if np.isnan(value) else value for value in (one.reference, one.batch)
    ]
    if one.name == _CAMERA:
        others = sorted({name for name in side.cameras if name is not None} - set(cameras))
        every = [*cameras, *others]
        values = [None if value is None else every[int(value)] for value in values]
    return DriftCovariate(one.name, one.p, one.adjusted, values[0], values[1])


class _Found:
    """Gives pooled rows their names."""

    def __init__(
        self, reference: Reference, side: Side, pooled: Pooled, workspace: Workspace | None
    ) -> None:
        self._reference = reference
        self._side = side
        self._pooled = pooled
        self._workspace = workspace

    def _id(self, row: int) -> tuple[str, str | None]:
        """The sample id of a pooled row, and its path if it is of the batch."""
        place = int(self._pooled.row[row]) - len(self._reference.ids)
        if place >= 0:
            return self._side.ids[place], self._side.paths[place]
        return self._reference.ids[place], None

    def cluster(self, one: ClusterChange) -> DriftCluster:
        """Return what is told of a cluster."""
        assert one.change != "same"
        name, path = self._id(one.medoid)
        if path is None and self._workspace is not None:
            known = self._workspace.samples.of().equal(Column.SAMPLE_ID, name)
            path = next(iter(known.column(Column.PATH).to_pylist()), None)
        return DriftCluster(
            change=one.change,
            reference=one.reference,
            batch=one.batch,
            reference_share=one.reference_share,
            batch_share=one.batch_share,
            p_value=one.p,
            path=path,
            sample_id=name,
        )

    def examples(self, shown: DriftedRows) -> list[DriftExample]:
        """Return the pictures of the batch that show the drift, those to label among them."""
        picks = set(shown.picks.tolist())
        rows = list(dict.fromkeys([*shown.shown.tolist(), *shown.picks.tolist()]))
        found = []
        for row in rows:
            name, path = self._id(row)
            assert path is not None
            found.append(DriftExample(path, name, float(shown.witness[row]), row in picks))
        return found

    def commands(self, request: DriftCheck, shown: DriftedRows) -> list[str]:
        """Return the commands that select the pictures to label; new ones are added first."""
        picks = sorted(self._id(row)[0] for row in shown.picks.tolist())
        # in double quotes, which shells and people read more easily; ids need no quoting
        quoted = ", ".join(f"'{name}'" for name in picks)
        condition = f"sample_id IN ({quoted})"
        at: list[str] = []
        if self._workspace is not None:
            at = _dataset_words(self._workspace.path)
        lines = []
        if request.sources:
            every = [] if request.every is None else ["--every", f"{request.every}"]
            exclude = [word for one in request.exclude for word in ("--exclude", one)]
            lines = [
                ["tamis", "add", *request.sources, *every, *exclude, *at],
                ["tamis", "embed", *_encoder_words(self._reference), *at],
            ]
        chosen = ["tamis", "select", str(len(picks)), *at]
        return [
            *(shlex.join(line) for line in lines),
            f'{shlex.join(chosen)} --include "{condition}"',
        ]


def _encoder_words(reference: Reference) -> list[str]:
    return ["--encoder", reference.facts.encoder]


def _dataset_words(path: Path) -> list[str]:
    return [] if path.name == "dataset.tamis" and not path.is_absolute() else ["-d", str(path)]

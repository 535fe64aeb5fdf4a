"""A batch held against a reference: the decision, what explains it, and how much changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.drift import Covariate, changed_clusters, decide_drift, drifted_rows
from tamis.algo.two_sample import frechet_distance, population_stability
from tamis.dataset.columns import Column
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.services.drift.explanation import explain
from tamis.services.drift.fit import LOW_POWER
from tamis.services.drift.result import (
    DriftCluster,
    DriftCovariate,
    DriftExample,
    DriftMagnitude,
    DriftReport,
)
from tamis.services.drift.side import FEWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.drift import (
        ClusterChange,
        ClusterChanges,
        CovariateDrift,
        DriftDecision,
        DriftedRows,
    )
    from tamis.algo.two_sample import Pooled
    from tamis.runtime.workspace import Workspace
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import DriftClass, Shift
    from tamis.services.drift.side import Side
    from tamis.types import Indices

__all__ = ["Comparison", "Settings", "compare"]

_SHOWN: Final = 12
"""Pictures of a cluster that a report names, before and after."""

_CAMERA: Final = "camera"
_HOUR: Final = "hour"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a batch is compared.

    Attributes:
        level: chance of a false alarm.
        permutations: of the tests.
        examples: how many pictures to show and to label.
        covariates: figures to compare; all that vary if empty.
        seed: of all that is random.
    """

    level: float = 0.05
    permutations: int = 999
    examples: int = 10
    covariates: Sequence[str] = ()
    seed: int = 0


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        report: without the running e-value, and without commands.
        labels: sample ids of the pictures to label, ascending.
        blocks: `[N]` which pictures of the batch are one draw.
        own: `[N]` which are in the reference itself.
        clusters: `[M + N]` cluster of each picture, those of the reference first; -1 where it was
            left out.
        changed: numbers of the clusters that changed, in the order of the report.
        witness: `[N]` how much denser the batch is around each of its pictures than the reference.
        threshold: what one picture in 20 of the reference exceeds.
    """

    report: DriftReport
    labels: tuple[str, ...]
    blocks: Indices
    own: NDArray[np.bool_]
    clusters: Indices
    changed: tuple[int, ...]
    witness: NDArray[np.float64]
    threshold: float


@one_blas_thread()
def compare(
    reference: Reference, side: Side, settings: Settings, workspace: Workspace | None = None
) -> Comparison:
    """Hold a batch against a reference.

    Args:
        reference: what it is held against.
        side: the batch.
        settings: how.
        workspace: the dataset, to name pictures of the reference by their paths.

    Raises:
        UsageError: the batch has fewer than 20 draws.
    """
    length = reference.facts.block_length
    blocks = side.blocks(length)
    draws = np.unique(blocks).size
    if draws < FEWEST:
        counting = "" if length == 1 else f", which count as {draws} (blocks of {length} in a row)"
        raise UsageError(
            f"too few pictures: {len(side.ids)}{counting}; a check needs at least {FEWEST}, better "
            "200: check more at a time"
        )
    notes = []
    if draws < LOW_POWER:
        what = "pictures" if length == 1 else f"blocks of {length} pictures"
        notes.append(f"{draws} {what} are few: only a drift of most pictures would be seen")
    own = np.isin(side.ids, reference.ids)
    if own.any():
        notes.append(
            f"{np.count_nonzero(own)} of the pictures are in the reference itself, which hides "
            "drift: check others"
        )
    kept, left_out = _covariates(settings.covariates, reference, side)
    names = [reference.facts.covariates[column] for column in kept]
    rows = replace(reference.rows, covariates=reference.rows.covariates[:, kept])
    cameras = reference.facts.cameras
    rng = np.random.default_rng(settings.seed)
    pooled = rows.pooled_with(
        side.vectors, blocks=blocks, covariates=side.covariates(cameras)[:, kept], rng=rng
    )
    chance: dict[str, Any] = {
        "level": settings.level,
        "permutations": settings.permutations,
        "rng": rng,
    }
    decision = decide_drift(
        pooled, [Covariate(name, is_category=name == _CAMERA) for name in names], **chance
    )
    changes = changed_clusters(pooled, **chance)
    shown = drifted_rows(pooled, settings.examples, rng=rng)
    explanation = explain(pooled, decision, changes, permutations=settings.permutations, rng=rng)
    probe = reference.probe
    found = _Found(reference, side, pooled, workspace)
    shares: tuple[DriftClass, ...] = ()
    shift: Shift | None = None
    if probe is not None:
        shares = probe.shares(side.vectors, blocks)
        shift = probe.shift(reference, side, blocks, shares, **chance)
    report = DriftReport(
        drift=decision.drift,
        p_value=decision.p,
        level=decision.level,
        p_vectors=decision.p_vectors,
        e_value=None,
        alarms=(),
        cause=explanation.cause,
        explanation=explanation.sentences,
        magnitude=_magnitude(pooled, decision, changes),
        harm=None if probe is None else probe.harm(side.vectors, blocks),
        shift=shift,
        classes=shares,
        clusters=[
            found.cluster(one, np.flatnonzero(changes.cluster == one.cluster), shown.witness)
            for one in changes.clusters
            if one.change != "same"
        ],
        covariates=[_covariate(one, cameras, side) for one in decision.covariates],
        examples=found.examples(shown),
        select=(),
        pictures=len(side.ids),
        units=(int(np.unique(rows.blocks).size), draws),
        reference=str(reference.path),
        reference_pictures=len(reference.ids),
        notes=[*notes, *left_out],
    )
    clusters = np.full(len(reference.ids) + len(side.ids), -1, np.int64)
    clusters[pooled.row] = changes.cluster
    witness = np.zeros(clusters.size)
    witness[pooled.row] = shown.witness
    return Comparison(
        report,
        found.labels(shown),
        blocks,
        own,
        clusters,
        changed=tuple(one.cluster for one in changes.clusters if one.change != "same"),
        witness=witness[len(reference.ids) :],
        threshold=shown.threshold,
    )


def _covariates(
    asked: Sequence[str], reference: Reference, side: Side
) -> tuple[list[int], list[str]]:
    """Which columns are compared, and what to say of those that are left out."""
    facts = reference.facts
    theirs = side.covariates(facts.cameras)
    kept, notes = [], []
    for column, name in enumerate(facts.covariates):
        if asked and name not in asked:
            continue
        known = [
            bool(np.isfinite(values[:, column]).any())
            for values in (reference.rows.covariates, theirs)
        ]
        if not all(known):
            if any(known) or name in asked:
                notes.append(f"the {name} is not known on both sides and was not compared")
            continue
        if not asked:
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

    def cluster(
        self, one: ClusterChange, rows: Indices, witness: NDArray[np.float64]
    ) -> DriftCluster:
        """Return what is told of a cluster, given its pooled rows and how drifted each row is."""
        assert one.change != "same"
        name, path = self._id(one.medoid)
        if path is None and self._workspace is not None:
            known = self._workspace.samples.of().equal(Column.SAMPLE_ID, name)
            path = next(iter(known.column(Column.PATH).to_pylist()), None)
        rows = rows[np.argsort(witness[rows], kind="stable")]
        batch = self._pooled.batch[rows]
        after = rows[batch][::-1]
        return DriftCluster(
            change=one.change,
            reference=one.reference,
            batch=one.batch,
            reference_share=one.reference_share,
            batch_share=one.batch_share,
            p_value=one.p,
            path=path,
            sample_id=name,
            before=[self._id(row)[0] for row in rows[~batch][:_SHOWN].tolist()],
            after=[self._id(row)[0] for row in after[:_SHOWN].tolist()],
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

    def labels(self, shown: DriftedRows) -> tuple[str, ...]:
        """Return the ids of the pictures to label."""
        return tuple(sorted(self._id(row)[0] for row in shown.picks.tolist()))

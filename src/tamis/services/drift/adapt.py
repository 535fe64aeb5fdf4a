"""A probe made fit for drifted pictures: by their classes' shares, its certainty, or new labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.drift import class_shares
from tamis.algo.intervals import share_right
from tamis.algo.probe import (
    LinearHead,
    NetworkHead,
    expected_calibration_error,
    fit_temperature,
    train_probe,
)
from tamis.algo.two_sample import chi_squared_test, pool
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import duplicate_columns
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.services.drift.result import AdaptedProbe, DriftAdaptation, DriftClass
from tamis.services.drift.rows import asked_rows
from tamis.services.drift.side import side_of
from tamis.services.probe.stored_probe import find_probe
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.drift import ClassShares
    from tamis.runtime.workspace import Workspace
    from tamis.services.drift.contract import DriftAdapt
    from tamis.services.probe.stored_probe import StoredProbe
    from tamis.types import Indices, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["adapt"]

_FOLDS: Final = 5
_FEWEST_LABELS: Final = 20
"""New labels from which on they can tell what is best."""

_LEAST: Final = 1e-6
"""Probability of a class that a probe does not know."""

_LEAST_SHARE: Final = 1e-4
_LEVEL: Final = 0.05


@one_blas_thread()
def adapt(
    workspace: Workspace, request: DriftAdapt, feedback: Feedback = SILENT
) -> DriftAdaptation:
    """Adapt a probe to drifted pictures, and keep it as one operation.

    Four ways are compared on the drifted pictures that have a label, each by fits without the
    label that it is judged by: the probe as it is; its classes weighted by their shares among the
    drifted pictures, estimated without labels; its certainty fitted anew; and a probe of all
    labels, old and new. The one with the least log loss is kept, unless it is the probe as it is.
    Costs what `tamis.algo.probe.train_probe` does, twice.

    Raises:
        UsageError: there is no such probe, no drifted picture, too few labels for what is asked,
            or the probe is not of the dataset's labels.
        InputError: the probe's file is missing or damaged.
        StorageError: the disk refuses.
    """
    probe = find_probe(workspace, request.name)
    data = _read(workspace, request, probe)
    progress = feedback.stage("adapt")
    progress(0, 2)
    rng = np.random.default_rng(request.seed)
    old = train_probe(
        data.old, data.old_labels, groups=data.old_groups, method=_method(probe), rng=rng
    )
    if old.classes.astype(np.str_).tolist() != probe.classes.tolist():
        raise UsageError(
            f"the probe {request.name!r} is of other classes than the labels outside of the "
            "drifted pictures: train it on those first, and then adapt it"
        )
    measured = ~np.isnan(old.held_out.probabilities[:, 0])
    usual, now = old.held_out.probabilities[measured], probe.probabilities(data.new)
    shares = class_shares(
        usual,
        np.searchsorted(probe.classes, data.old_labels[measured]),
        now,
        blocks=(None, data.blocks),
    )
    progress(1, 2)
    ways = _Ways(probe, shares, data, rng)
    tried = [ways.measured("as it is", ways.as_it_is())] if data.labels.size else []
    made: dict[str, StoredProbe] = {}
    for name in ("prior", "temperature", "retrain"):
        if request.method in {"auto", name} and (found := ways.way(name)) is not None:
            made[name], probabilities = found
            if data.labels.size:
                tried.append(ways.measured(name, probabilities))
    if request.method != "auto" and request.method not in made:
        raise UsageError(ways.missing(request.method))
    chosen: str
    if request.method != "auto":
        chosen = request.method
    elif data.labels.size >= _FEWEST_LABELS:
        losses = {one.method: one.log_loss for one in tried if one.log_loss is not None}
        chosen = min(losses, key=lambda name: losses[name])
    else:
        shifted = _has_shifted(usual, now, data.blocks, rng)
        chosen = "prior" if shifted and "prior" in made else "as it is"
    file = None
    if chosen in made and not request.dry_run:
        with workspace.store.operation(
            "drift adapt", {"name": request.name}, request.seed, request=request
        ) as operation:
            file = made[chosen].write(workspace, request.name)
            operation.counts |= {"file": file, "method": chosen}
    progress(2, 2)
    notes = []
    if data.labels.size < _FEWEST_LABELS:
        notes.append(
            f"{data.labels.size} of the drifted pictures have a label, which is too few to tell "
            f"what is best: label {_FEWEST_LABELS} or more of them, best those that  tamis drift "
            "check  names"
        )
    return DriftAdaptation(
        name=request.name,
        chosen=chosen,
        file=file,
        pictures=len(data.new),
        labels=int(data.labels.size),
        tried=tried,
        classes=[
            DriftClass(str(name), *map(float, row))
            for name, row in zip(
                probe.classes,
                np.stack([shares.reference, shares.batch, shares.low, shares.high], axis=1),
                strict=True,
            )
        ],
        encoder=probe.encoder,
        notes=notes,
    )


@dataclass(frozen=True)
class _Data:
    """Labeled pictures outside of the drift, and the drifted ones.

    Attributes:
        old: `[N, D]` vectors.
        old_labels: `[N]`.
        old_groups: `[N]` near-duplicates.
        new: `[M, D]` vectors of the drifted.
        blocks: `[M]` which of these are one draw.
        labeled: rows of `new` that have a label.
        labels: of those.
        groups: of those.
    """

    old: Vectors
    old_labels: NDArray[np.str_]
    old_groups: Indices
    new: Vectors
    blocks: Indices
    labeled: Indices
    labels: NDArray[np.str_]
    groups: Indices


def _read(workspace: Workspace, request: DriftAdapt, probe: StoredProbe) -> _Data:
    if probe.learned != "classes" or len(probe.fingerprints) != 1:
        raise UsageError(
            f"the probe tells {probe.learned} from vectors of {probe.encoder}: only one that tells "
            "classes from vectors of one encoder can be adapted"
        )
    column = workspace.vector_column(probe.fingerprints[0])
    chosen = asked_rows(workspace, request)
    if chosen.embedded(column) < 2:  # noqa: PLR2004 - one shows no spread
        raise UsageError(
            f"fewer than two pictures that were asked for have a vector of {column.spec}: name the "
            "drifted ones (where, tag, split), and embed them"
        )
    drifted = side_of(chosen, column.name)
    known = workspace.samples.of().having(Column.LABEL).vectors(column)
    ids, inside = np.array(known.ids), np.isin(known.ids, drifted.ids)
    told = workspace.samples.rows([Column.LABEL, Column.SPLIT], known.ids)
    labels = np.array(told.column(Column.LABEL).to_pylist(), dtype=np.str_)
    splits = np.array([one or "" for one in told.column(Column.SPLIT).to_pylist()], dtype=np.str_)
    groups = duplicate_columns(workspace.store, known.ids).held_out()
    old = ~inside & (splits != request.test_split)
    if np.unique(labels[old]).size < 2:  # noqa: PLR2004 - one class tells nothing apart
        raise UsageError(
            "the pictures outside of the drifted ones have labels of fewer than two classes, "
            "outside of the test split: a probe cannot have been trained on them"
        )
    place = {name: row for row, name in enumerate(drifted.ids)}
    return _Data(
        old=known.vectors[old],
        old_labels=labels[old],
        old_groups=groups[old],
        new=drifted.vectors,
        blocks=drifted.blocks(drifted.found_block_length()),
        labeled=np.array([place[name] for name in ids[inside].tolist()], np.int64),
        labels=labels[inside],
        groups=groups[inside],
    )


class _Ways:
    """The ways to adapt a probe, each with what it says of the labeled drifted pictures."""

    def __init__(
        self, probe: StoredProbe, shares: ClassShares, data: _Data, rng: np.random.Generator
    ) -> None:
        self._probe = probe
        self._shares = shares
        self._data = data
        self._rng = rng
        self._seen = data.new[data.labeled]
        self._names = np.unique(np.concatenate([probe.classes, data.labels]))
        self._truth = np.searchsorted(self._names, data.labels)

    def as_it_is(self) -> NDArray[np.float64]:
        """Return `[L, K]` probabilities of the labeled drifted pictures."""
        return self._wide(self._probe.probabilities(self._seen), self._probe.classes)

    def way(self, name: str) -> tuple[StoredProbe, NDArray[np.float64]] | None:
        """Return an adapted probe and what it says; None where it cannot be made."""
        if name == "prior":
            return self._prior()
        if name == "temperature":
            return self._temperature()
        return self._retrain()

    def missing(self, name: str) -> str:
        """Say why a way cannot be gone."""
        if name == "prior":
            return (
                "votes of neighbors cannot be weighted by the shares of classes: train the probe "
                "as  --method logistic, or retrain it with new labels"
            )
        return (
            f"{self._data.labels.size} of the drifted pictures have a label: label at least "
            f"{_FEWEST_LABELS} to go by them"
        )

    def measured(self, name: str, probabilities: NDArray[np.float64]) -> AdaptedProbe:
        """Return how good probabilities of the labeled drifted pictures are."""
        known = ~np.isnan(probabilities[:, 0])
        p, truth = probabilities[known], self._truth[known]
        if not truth.size:
            return AdaptedProbe(name, 0, None, None, None, None, None)
        found = share_right(int((p.argmax(axis=1) == truth).sum()), truth.size)
        loss = -np.log(np.maximum(p[np.arange(truth.size), truth], _LEAST)).mean()
        return AdaptedProbe(
            name,
            int(truth.size),
            found.value,
            found.low,
            found.high,
            float(loss),
            expected_calibration_error(p, truth),
        )

    def _prior(self) -> tuple[StoredProbe, NDArray[np.float64]] | None:
        head, probe = self._probe.head, self._probe
        if not isinstance(head, LinearHead | NetworkHead):
            return None
        ratio = np.maximum(self._shares.batch, _LEAST_SHARE) / self._shares.reference
        moved = replace(head, offset=head.offset + probe.temperature * np.log(ratio))
        adapted = replace(probe, head=moved)
        return adapted, self._wide(adapted.probabilities(self._seen), probe.classes)

    def _temperature(self) -> tuple[StoredProbe, NDArray[np.float64]] | None:
        probe = self._probe
        known = np.isin(self._data.labels, probe.classes)
        if np.count_nonzero(known) < _FEWEST_LABELS:
            return None
        # `probabilities` divides by it: the logarithm is the logits but for a constant
        logits = probe.temperature * np.log(
            np.maximum(probe.probabilities(self._seen), np.finfo(np.float64).tiny)
        )
        before = float(probe.temperature)
        truth = np.searchsorted(probe.classes, self._data.labels)
        found = np.full((len(truth), len(probe.classes)), np.nan)
        for fold in _folds(self._data.groups, self._rng):
            rows = known & ~fold
            temperature = fit_temperature(logits[rows], truth[rows], expected=before)
            found[fold] = replace(probe, temperature=temperature).probabilities(self._seen[fold])
        whole = fit_temperature(logits[known], truth[known], expected=before)
        return replace(probe, temperature=whole), self._wide(found, probe.classes)

    def _retrain(self) -> tuple[StoredProbe, NDArray[np.float64]] | None:
        data = self._data
        if data.labels.size < _FEWEST_LABELS:
            return None
        new = train_probe(
            np.concatenate([data.old, self._seen]),
            np.concatenate([data.old_labels, data.labels]),
            groups=np.concatenate([data.old_groups, data.groups]),
            method=_method(self._probe),
            rng=self._rng,
        )
        stored = replace(
            self._probe,
            classes=new.classes.astype(np.str_),
            head=new.head,
            temperature=new.temperature,
        )
        said = new.held_out.probabilities[len(data.old) :]
        return stored, self._wide(said, stored.classes)

    def _wide(
        self, probabilities: NDArray[np.float64], classes: NDArray[np.str_]
    ) -> NDArray[np.float64]:
        """Probabilities of all names, those of labels that a probe does not know being 0."""
        wide = np.zeros((len(probabilities), self._names.size))
        wide[:, np.searchsorted(self._names, classes)] = probabilities
        wide[np.isnan(probabilities[:, 0])] = np.nan
        return wide


def _method(probe: StoredProbe) -> Any:
    """How a probe of the same kind is fitted."""
    kinds = {"LinearHead": "auto", "NetworkHead": "network", "NeighborHead": "neighbors"}
    return kinds[type(probe.head).__name__]


def _folds(groups: Indices, rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Which rows each fold judges; rows of one group are in one."""
    number = np.unique(groups, return_inverse=True)[1].reshape(-1)
    part = rng.permutation(np.arange(int(number.max(initial=0)) + 1) % _FOLDS)[number]
    return [part == fold for fold in range(_FOLDS) if (part == fold).any()]


def _has_shifted(
    usual: NDArray[np.float64],
    now: NDArray[np.float64],
    blocks: Indices,
    rng: np.random.Generator,
) -> bool:
    """Whether classes are predicted more or less often than they were, at a level of 5 %."""
    pooled = pool(usual, now, blocks=(None, blocks), rng=rng)
    predicted = pooled.X.argmax(axis=1)
    return chi_squared_test(pooled, predicted, permutations=999, rng=rng).p <= _LEVEL

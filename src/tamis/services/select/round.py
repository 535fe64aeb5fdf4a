"""One round of labeling: learn from the labels so far, measure the accuracy, pick the next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo import selection
from tamis.algo.active_learning import scheduled_strategy, share_right, strategy_name
from tamis.algo.probe import train_probe
from tamis.algo.selection.reasons import reasons
from tamis.dataset.operations import RoundSelected, rounds_of
from tamis.dataset.presence import gone_ids
from tamis.dataset.selection_marks import mark_selected
from tamis.errors import UsageError
from tamis.services.select.contract import SCHEDULE
from tamis.services.select.labeled import near_duplicate_groups, read_labeled
from tamis.services.select.result import Round, RoundPick
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.probe import Probe
    from tamis.dataset.store import Store
    from tamis.runtime.workspace import Workspace
    from tamis.services.select.contract import Select
    from tamis.services.select.labeled import LabeledSamples
    from tamis.verbs.feedback import Feedback

__all__ = ["select_round"]

_FEW = 30


def select_round(workspace: Workspace, request: Select, feedback: Feedback = SILENT) -> Round:
    """Pick the next `n` pictures to label, after what a probe has learned from the labels so far.

    Pictures with a label are learned from; those that are gone or marked as duplicates are not
    picked, and those in a split that is not to train on are neither picked nor learned from. The
    accuracy of the probe is measured on the labels of the split to test on if there are any, else
    on held-out labels, near-duplicates never on both sides. With `apply`, one operation sets the
    marks of a selection and keeps the round in the log.

    Raises:
        UsageError: there is nothing to pick, a column is unknown, or the strategy needs a probe and
            there are labels of fewer than two classes.
    """
    store, n, progress = workspace.store, request.n, feedback.stage("select")
    label_column = request.label_column
    progress(0, n)
    embedded = workspace.vector_column(request.encoder)
    samples = read_labeled(
        store,
        request,
        column=embedded.name,
        where=request.where,
    )
    gone = gone_ids(store, ids=samples.ids)
    there = np.array([one not in gone for one in samples.ids], np.bool_)
    pool = np.flatnonzero(~samples.aside & (samples.known | there))
    vectors, labels = samples.vectors[pool], samples.labels[pool]
    known = np.flatnonzero(samples.known[pool])
    if known.size == pool.size:
        raise UsageError(
            f"there is no picture left to label: {pool.size:,} have a vector in "
            f"{samples.column} and meet the conditions, all with a label in {label_column!r}"
        )
    rng = np.random.default_rng(request.seed)
    chosen = request.strategy
    if chosen is None or chosen == SCHEDULE:
        chosen = scheduled_strategy(labels[known])
    probe = None
    notes = list(samples.notes)
    if np.unique(labels[known]).size > 1:
        groups = near_duplicate_groups(store, samples, rng)[pool[known]]
        probe = train_probe(vectors[known], labels[known], groups=groups, rng=rng)
    probabilities = None if probe is None else probe.probabilities(vectors)
    picks = selection.select(
        vectors, n, strategy=chosen, probabilities=probabilities, must=known, rng=rng
    )
    measured = _measured(probe, samples, notes)
    now = RoundSelected(
        label_column=label_column,
        labels=int(known.size),
        classes=int(np.unique(labels[known]).size),
        strategy=strategy_name(chosen),
        selected=int(picks.indices.size),
        **measured,
    )
    curve = [*rounds_of(store.log(), label_column), now]
    rows = _rows(store, samples, pool, picks, probe, probabilities)
    if request.apply:
        params = {"column": samples.column, "strategy": now.strategy}
        counts = {"labels": now.labels, "classes": now.classes, **measured}
        mark_selected(
            store,
            [row.sample_id for row in rows],
            [row.reason for row in rows],
            params=params,
            seed=request.seed,
            request=request,
            counts=counts,
        )
    progress(n, n)
    return Round(
        picks=rows,
        strategy=now.strategy,
        labels=dict(sorted(Counter(labels[known].tolist()).items())),
        candidates=int(pool.size - known.size),
        curve=curve,
        probe=None if probe is None else probe.method,
        calibration_error=None
        if probe is None or not probe.held_out.rows
        else probe.held_out.calibration_error,
        coverage=picks.coverage,
        encoder=embedded.spec,
        column=samples.column,
        label_column=label_column,
        notes=notes,
    )


def _measured(probe: Probe | None, samples: LabeledSamples, notes: list[str]) -> dict[str, Any]:
    """Return the accuracy and on what it was measured, and note what to think of it."""
    test = np.flatnonzero(samples.test & samples.known)
    right, rows, on = 0, 0, "held-out labels"
    if probe is not None and test.size:
        right = int((probe.predict(samples.vectors[test]) == samples.labels[test]).sum())
        rows, on = int(test.size), "test split"
    elif probe is not None:
        right, rows = probe.held_out.right, probe.held_out.rows
    if not rows:
        notes.append(
            "accuracy cannot be measured yet: that takes two labels or more of two classes, on "
            "pictures that are not near-duplicates"
        )
        return {"accuracy": None, "low": None, "high": None, "measured": 0, "measured_on": on}
    if on == "held-out labels":
        notes.append(
            "accuracy is that on the labels so far, out of fold; pictures that a strategy picked "
            "are not an even sample. Labels of a random test split would tell the accuracy on all"
        )
    elif rows < _FEW:
        notes.append(f"only {counted(rows, 'picture of the test split has')} a label")
    share = share_right(right, rows)
    return {
        "accuracy": share.value,
        "low": share.low,
        "high": share.high,
        "measured": rows,
        "measured_on": on,
    }


def _rows(  # noqa: PLR0917 - the parts of a pick
    store: Store,
    samples: LabeledSamples,
    pool: NDArray[Any],
    picks: selection.Picks,
    probe: Probe | None,
    probabilities: NDArray[np.float64] | None,
) -> list[RoundPick]:
    ids = [samples.ids[row] for row in pool[picks.indices]]
    paths = store.read(["path"], ids=ids).column("path").to_pylist()
    likely = None if probabilities is None else probabilities[picks.indices]
    names = [] if probe is None else probe.classes.tolist()
    best = np.zeros(len(ids), np.int64) if likely is None else likely.argmax(axis=1)
    return [
        RoundPick(
            path=path,
            sample_id=sample_id,
            reason=reason,
            score=float(picks.scores[place]),
            predicted=None if likely is None else names[best[place]],
            probability=None if likely is None else float(likely[place, best[place]]),
        )
        for place, (path, sample_id, reason) in enumerate(
            zip(paths, ids, reasons(picks, names), strict=True)
        )
    ]

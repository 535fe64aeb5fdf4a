"""Drift of a batch against a reference: whether, what, and what it does to a classifier."""

from __future__ import annotations

from tamis.algo.drift.accuracy import AccuracyChange, accuracy_change
from tamis.algo.drift.changed_clusters import ClusterChange, ClusterChanges, changed_clusters
from tamis.algo.drift.class_shares import ClassShares, class_shares
from tamis.algo.drift.decision import Covariate, CovariateDrift, DriftDecision, decide_drift
from tamis.algo.drift.drifted_rows import DriftedRows, drifted_rows
from tamis.algo.drift.label_shift import ShiftKind, shift_kind
from tamis.algo.drift.reference import DriftReference, fit_reference

__all__ = [
    "AccuracyChange",
    "ClassShares",
    "ClusterChange",
    "ClusterChanges",
    "Covariate",
    "CovariateDrift",
    "DriftDecision",
    "DriftReference",
    "DriftedRows",
    "ShiftKind",
    "accuracy_change",
    "changed_clusters",
    "class_shares",
    "decide_drift",
    "drifted_rows",
    "fit_reference",
    "shift_kind",
]

"""Small classifiers on stored vectors: fit, chosen, calibrated and measured on held-out labels."""

from __future__ import annotations

from tamis.algo.probe.calibration import (
    ConfidenceBin,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from tamis.algo.probe.heads import Head, LinearHead, NeighborHead, NetworkHead
from tamis.algo.probe.held_out import HeldOut
from tamis.algo.probe.logistic import LogisticProblem, LogisticSolution, balanced_weights
from tamis.algo.probe.multi_label import MultiLabelProbe, train_multi_label_probe
from tamis.algo.probe.probe import Probe
from tamis.algo.probe.prototypes import Prototypes, fit_prototypes
from tamis.algo.probe.regression import NumberProbe, train_number_probe
from tamis.algo.probe.report import (
    ClassReport,
    ProbeReport,
    SliceReport,
    report_predictions,
    report_slices,
)
from tamis.algo.probe.training import Method, train_probe
from tamis.algo.probe.ways import ProbeKind

__all__ = [
    "ClassReport",
    "ConfidenceBin",
    "Head",
    "HeldOut",
    "LinearHead",
    "LogisticProblem",
    "LogisticSolution",
    "Method",
    "MultiLabelProbe",
    "NeighborHead",
    "NetworkHead",
    "NumberProbe",
    "Probe",
    "ProbeKind",
    "ProbeReport",
    "Prototypes",
    "SliceReport",
    "balanced_weights",
    "expected_calibration_error",
    "fit_prototypes",
    "fit_temperature",
    "reliability",
    "report_predictions",
    "report_slices",
    "train_multi_label_probe",
    "train_number_probe",
    "train_probe",
]

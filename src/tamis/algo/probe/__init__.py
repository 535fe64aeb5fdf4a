"""Small classifiers on stored vectors: fit, chosen, calibrated and measured on held-out labels."""

from __future__ import annotations

from tamis.algo.probe.calibration import expected_calibration_error, fit_temperature
from tamis.algo.probe.heads import Head, LinearHead, NeighborHead, NetworkHead
from tamis.algo.probe.held_out import HeldOut
from tamis.algo.probe.logistic import LogisticProblem, LogisticSolution, balanced_weights
from tamis.algo.probe.probe import Probe
from tamis.algo.probe.prototypes import Prototypes, fit_prototypes
from tamis.algo.probe.training import Method, train_probe
from tamis.algo.probe.ways import ProbeKind

__all__ = [
    "Head",
    "HeldOut",
    "LinearHead",
    "LogisticProblem",
    "LogisticSolution",
    "Method",
    "NeighborHead",
    "NetworkHead",
    "Probe",
    "ProbeKind",
    "Prototypes",
    "balanced_weights",
    "expected_calibration_error",
    "fit_prototypes",
    "fit_temperature",
    "train_probe",
]

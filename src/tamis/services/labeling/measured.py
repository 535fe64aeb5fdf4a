"""What is said of how right propagated labels are expected to be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tamis.services.labeling.contract import ExpectedAccuracy

if TYPE_CHECKING:
    from tamis.algo.intervals import Estimate

__all__ = ["NEIGHBORS", "expected_of", "notes_on", "told_of"]

NEIGHBORS: Final = 50
"""Of the graph that labels are spread on."""

_FEW_MEASURED: Final = 20


def expected_of(estimate: Estimate) -> ExpectedAccuracy:
    """Return an estimate as it is reported."""
    value = None if math.isnan(estimate.value) else estimate.value
    return ExpectedAccuracy(value, estimate.low, estimate.high)


def told_of(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as the log keeps it; see `LabelsPropagated`."""
    found = expected_of(estimate)
    return {"expected": found.value, "low": found.low, "high": found.high}


def notes_on(measured: int, conflicts: int) -> list[str]:
    """Say what limits the trust in propagated labels."""
    notes = []
    if measured < _FEW_MEASURED:
        notes.append(
            f"only {measured} labels could be held out to measure on: label more of each class to "
            "narrow the interval"
        )
    if conflicts:
        notes.append(
            f"{conflicts} groups of near-duplicates have different labels, and none of these was "
            "used: settle them with  tamis label set"
        )
    return notes

"""A probe that was fitted, with what was measured of it, before it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.algo.intervals import Estimate
    from tamis.algo.probe import ConfidenceBin, Head
    from tamis.services.probe.contract import (
        ComparedEncoder,
        ConfusedClasses,
        MeasuredClass,
        MeasuredSlice,
    )
    from tamis.services.probe.stored_probe import Learned

__all__ = ["Mistake", "Trained"]


@dataclass(frozen=True)
class Mistake:
    """A picture whose predicted class is not its label, and how sure the prediction is."""

    sample_id: str
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A probe and what was measured; see `ProbeTraining` and `StoredProbe` for the fields."""

    learned: Learned
    classes: NDArray[np.str_]
    head: Head
    temperature: float | NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None
    method: str
    setting: Mapping[str, float]
    tried: Mapping[str, float] = field(default_factory=dict)
    labels: int
    measured: int
    measured_on: Literal["test split", "held-out labels"]
    accuracy: Estimate | None = None
    balanced_accuracy: float | None = None
    ece: float | None = None
    ece_before: float | None = None
    rare_recall: Estimate | None = None
    explained: float | None = None
    absolute_error: float | None = None
    reach: float | None = None
    measured_classes: Sequence[MeasuredClass] = ()
    confused: Sequence[ConfusedClasses] = ()
    slices: Sequence[MeasuredSlice] = ()
    compared: Sequence[ComparedEncoder] = ()
    reliability: Sequence[ConfidenceBin] = ()
    mistakes: Sequence[Mistake] = ()
    notes: Sequence[str] = ()

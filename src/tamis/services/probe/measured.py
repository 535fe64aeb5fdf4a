"""What was measured of a probe, as results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.services.probe.contract import ConfusedClasses, MeasuredClass, MeasuredSlice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.intervals import Estimate
    from tamis.algo.probe import ProbeReport, SliceReport

__all__ = ["confused_classes", "measured_classes", "measured_slices", "value_of"]


def measured_classes(report: ProbeReport) -> list[MeasuredClass]:
    """Return how each class is predicted, lowest recall first."""
    return [
        MeasuredClass(
            one.name, one.rows, value_of(one.recall), value_of(one.precision), one.f1, one.rare
        )
        for one in report.classes
    ]


def confused_classes(report: ProbeReport, names: Sequence[str]) -> list[ConfusedClasses]:
    """Return which classes are taken for which others, the most frequent first."""
    counts = report.confusion.copy()
    np.fill_diagonal(counts, 0)
    true, predicted = np.nonzero(counts)
    order = np.argsort(-counts[true, predicted], kind="stable")
    return [
        ConfusedClasses(str(names[a]), str(names[b]), int(counts[a, b]))
        for a, b in zip(true[order].tolist(), predicted[order].tolist(), strict=True)
    ]


def measured_slices(slices: Sequence[SliceReport]) -> list[MeasuredSlice]:
    """Return how pictures of each value of each column are predicted, worst first."""
    return [
        MeasuredSlice(
            column=one.column,
            value=str(one.value),
            pictures=one.rows,
            accuracy=one.accuracy.value,
            low=one.accuracy.low,
            high=one.accuracy.high,
            gap=one.gap,
            p_value=one.p_value,
        )
        for one in slices
    ]


def value_of(estimate: Estimate | None) -> float | None:
    """Return an estimate's value; None without one."""
    return None if estimate is None else estimate.value

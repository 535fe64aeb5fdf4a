"""What a classifier does well and badly: confusion, classes, slices, calibration, rare classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.intervals import Estimate, share_right
from tamis.algo.probe.calibration import expected_calibration_error
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ClassReport", "ProbeReport", "SliceReport", "report_predictions", "report_slices"]

_RARE: Final = 0.01
_LEAST_ROWS: Final = 5


@dataclass(frozen=True)
class ClassReport:
    """How one class is predicted.

    Attributes:
        name: of the class.
        rows: how many are of it.
        recall: share of them that are predicted as it; None without rows.
        precision: share of those predicted as it that are of it; None where none is.
        f1: harmonic mean of both; 0 where neither is known.
        rare: whether under 1 % of the rows are of it.
    """

    name: str
    rows: int
    recall: Estimate | None
    precision: Estimate | None
    f1: float
    rare: bool


@dataclass(frozen=True)
class SliceReport:
    """How the rows of one value of one column are predicted.

    Attributes:
        column: such as `camera`.
        value: such as `north gate`.
        rows: how many.
        accuracy: of them.
        gap: accuracy less that of all other rows.
        p_value: two-sided, of that difference by chance, times the number of slices compared.
    """

    column: str
    value: str
    rows: int
    accuracy: Estimate
    gap: float
    p_value: float


@dataclass(frozen=True)
class ProbeReport:
    """What a classifier does well and badly.

    Attributes:
        rows: how many were measured.
        accuracy: share predicted rightly.
        balanced_accuracy: mean recall of the classes.
        macro_f1: mean F1 of the classes.
        calibration_error: expected calibration error in 15 bins.
        confusion: `[K, K]` counts, true class by predicted class.
        classes: one for each class, lowest recall first.
        slices: worst first: by the upper end of the interval, so that a few rows by bad luck do
            not lead.
        rare_recall: recall over all rows of classes under 1 %; None where there are none.
    """

    rows: int
    accuracy: Estimate
    balanced_accuracy: float
    macro_f1: float
    calibration_error: float
    confusion: Indices
    classes: tuple[ClassReport, ...]
    slices: tuple[SliceReport, ...]
    rare_recall: Estimate | None


def report_predictions(
    probabilities: NDArray[np.float64],
    truth: Indices,
    classes: Sequence[str],
    *,
    slices: Mapping[str, NDArray[Any]] | None = None,
) -> ProbeReport:
    """Compare predictions with the truth, in all and by class and slice, with 95 % intervals.

    O(N K + N S log N) for S columns.

    Args:
        probabilities: `[N, K]`; a row of NaN was not measured and is left out.
        truth: `[N]` true classes.
        classes: `[K]` names.
        slices: columns `[N]` of values, such as metadata or clusters; values of under five rows
            are left out, and so are None and NaN.

    Raises:
        UsageError: shapes do not fit, or no row was measured.

    Example:
        >>> report = report_predictions(
        ...     np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]), ["a", "b"]
        ... )
        >>> report.confusion.tolist(), report.classes[0].name
        ([[1, 0], [1, 1]], 'b')
    """
    truth = np.asarray(truth)
    if probabilities.shape != (len(truth), len(classes)):
        raise UsageError(
            f"probabilities must have the shape {(len(truth), len(classes))}, "
            f"not {probabilities.shape}"
        )
    measured = np.isfinite(probabilities).all(axis=1)
    if not measured.any():
        raise UsageError("no row was measured: there is nothing to report")
    known, truth = probabilities[measured], truth[measured]
    predicted = known.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    by_class = [_class_report(confusion, number, name) for number, name in enumerate(classes)]
    seen = [each for each in by_class if each.recall is not None]
    rare = [number for number, each in enumerate(by_class) if each.rare and each.rows]
    right = predicted == truth
    return ProbeReport(
        rows=len(truth),
        accuracy=share_right(int(right.sum()), len(truth)),
        balanced_accuracy=float(np.mean([each.recall.value for each in seen if each.recall])),
        macro_f1=float(np.mean([each.f1 for each in seen])),
        calibration_error=expected_calibration_error(known, truth),
        confusion=confusion,
        classes=tuple(sorted(by_class, key=lambda each: each.recall.value if each.recall else 2.0)),
        slices=report_slices(
            right, {name: np.asarray(column)[measured] for name, column in (slices or {}).items()}
        ),
        rare_recall=share_right(int(confusion[rare, rare].sum()), int(confusion[rare].sum()))
        if rare
        else None,
    )


def _class_report(confusion: Indices, number: int, name: str) -> ClassReport:
    right = int(confusion[number, number])
    rows, claimed = int(confusion[number].sum()), int(confusion[:, number].sum())
    return ClassReport(
        name=name,
        rows=rows,
        recall=share_right(right, rows) if rows else None,
        precision=share_right(right, claimed) if claimed else None,
        f1=2 * right / (rows + claimed) if rows + claimed else 0.0,
        rare=0 < rows < _RARE * int(confusion.sum()),
    )


def report_slices(
    right: NDArray[np.bool_], columns: Mapping[str, NDArray[Any]]
) -> tuple[SliceReport, ...]:
    """Return how rows of each value of each column are predicted, worst first.

    Args:
        right: `[N]` whether a row is predicted rightly.
        columns: `[N]` values; those of under five rows are left out, and so are None and NaN.
    """
    from scipy.stats import fisher_exact

    found: list[tuple[str, str, int, int]] = []
    for column, values in columns.items():
        there = np.array([value is not None and value == value for value in values.tolist()], bool)  # noqa: PLR0124 - NaN is not itself
        names = np.array([str(value) for value in values[there].tolist()])
        for value in np.unique(names):
            inside = right[there][names == value]
            if _LEAST_ROWS <= inside.size < right.size:
                found.append((column, str(value), int(inside.sum()), inside.size))
    reports = []
    for column, value, good, rows in found:
        others, rest = int(right.sum()) - good, right.size - rows
        chance = fisher_exact([[good, rows - good], [others, rest - others]])[1]
        gap = good / rows - others / rest
        estimate = share_right(good, rows)
        p_value = min(1.0, float(chance) * len(found))
        reports.append(SliceReport(column, value, rows, estimate, gap, p_value))
    return tuple(sorted(reports, key=lambda each: (each.accuracy.high, each.column, each.value)))

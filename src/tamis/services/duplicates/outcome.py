"""From verified pairs to groups and marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.components import connected_components
from tamis.services.duplicates.report import DuplicateReport, Group, Pair
from tamis.types import Verdict

if TYPE_CHECKING:
    from tamis.algo.calibration import PairCalibration, PairThresholds
    from tamis.services.duplicates.samples import Samples
    from tamis.services.duplicates.search import Search
    from tamis.types import Indices

__all__ = ["outcome"]


def outcome(
    samples: Samples,
    search: Search,
    keeper_in_search: Indices,
    *,
    thresholds: PairThresholds,
    calibration: PairCalibration | None,
    column: str,
) -> tuple[DuplicateReport, dict[str, pa.Array]]:
    """The report, and the marks of all samples."""
    n = len(samples.ids)
    keeper = samples.best_equal.copy()
    keeper[search.rows] = search.rows[keeper_in_search]
    # An equal file may go with the keeper of its equal: the pixels are the same.
    keeper = keeper[samples.best_equal]
    compared = search.compared
    verdicts = compared.verdicts(thresholds)
    same = verdicts == Verdict.COPY
    left, right = search.rows[search.left[same]], search.rows[search.right[same]]
    known = {
        (a, b): (float(score), "flip" if flipped else "near")
        for a, b, score, flipped in zip(
            left.tolist(), right.tolist(), compared.score[same], compared.flipped[same], strict=True
        )
    }
    equal = np.flatnonzero(samples.best_equal != np.arange(n))
    known |= {
        (min(a, b), max(a, b)): (1.0, "exact")
        for a, b in zip(equal.tolist(), samples.best_equal[equal].tolist(), strict=True)
    }
    dropped: dict[int, list[int]] = {}
    for row in samples.order.tolist():
        if keeper[row] != row:
            dropped.setdefault(int(keeper[row]), []).append(row)
    score: list[float | None] = [None] * n
    kind: list[str | None] = [None] * n
    for keep, rows in dropped.items():
        for row in rows:
            equal_to = int(samples.best_equal[row])
            pair = (row, keep) if equal_to == keep else (equal_to, keep)
            score[row], kind[row] = known[min(pair), max(pair)]
    groups = [
        Group(
            keep=samples.paths[keep],
            drop=[samples.paths[row] for row in rows],
            scores=[score[row] or 0.0 for row in rows],
            kinds=[kind[row] or "" for row in rows],
        )
        for keep, rows in sorted(dropped.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    leaky = compared.view >= thresholds.changed
    component = connected_components(
        n,
        np.concatenate([search.rows[search.left[leaky]], equal]),
        np.concatenate([search.rows[search.right[leaky]], samples.best_equal[equal]]),
    )
    first = np.unique(component, return_index=True)[1]
    size = np.bincount(component, minlength=len(first))
    marks = {
        "duplicate_of": pa.array(
            [
                samples.ids[keep] if keep != row else None
                for row, keep in enumerate(keeper.tolist())
            ],
            pa.string(),
        ),
        "duplicate_score": pa.array(score, pa.float32()),
        "duplicate_kind": pa.array(kind, pa.string()),
        "duplicate_group": pa.array(
            [samples.ids[first[c]] if size[c] > 1 else None for c in component.tolist()],
            pa.string(),
        ),
    }
    pairs = [
        Pair(samples.paths[a], samples.paths[b], *found) for (a, b), found in sorted(known.items())
    ]
    report = DuplicateReport(
        threshold=thresholds.copy,
        calibration=calibration,
        pairs=pairs,
        groups=groups,
        pictures=n,
        candidates=len(compared),
        column=column,
        recall=search.recall,
        note=_note(calibration),
    )
    return report, marks


def _note(calibration: PairCalibration | None) -> str:
    return "" if calibration is None else " ".join(calibration.notes)

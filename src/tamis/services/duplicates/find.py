"""The search for duplicates, from candidates to marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tamis.dataset.embedded import read_embedded
from tamis.errors import UsageError
from tamis.services.duplicates.keeping import Keeping
from tamis.services.duplicates.notes import duplicate_notes
from tamis.services.duplicates.outcome import Outcome
from tamis.services.duplicates.preferences import parse_preferences
from tamis.services.duplicates.report import DuplicateReport
from tamis.services.duplicates.samples import Samples
from tamis.services.duplicates.search import Search
from tamis.types import Verdict, no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.algo.calibration import PairCalibration, PairThresholds
    from tamis.dataset.store import Store
    from tamis.types import Progress

__all__ = ["DROPS", "Drop", "find_duplicates"]

Drop: TypeAlias = Literal["copies", "changed"]
"""What is dropped: copies only, or changed versions as well."""

DROPS: dict[str, frozenset[Verdict]] = {
    "copies": frozenset({Verdict.COPY}),
    "changed": frozenset({Verdict.COPY, Verdict.CHANGED}),
}


def find_duplicates(
    store: Store,
    *,
    column: str | None = None,
    threshold: float | str = "auto",
    changed_threshold: float | str = "auto",
    drop: Drop = "copies",
    prefer: Sequence[str] = (),
    where: str | None = None,
    rotations: bool = False,
    apply: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> DuplicateReport:
    """Find copies and changed versions of pictures, and which of each group to keep.

    Candidates are equal files, the 8 nearest by vector and the 4 nearest by perceptual hash
    (mirrored too, and with `rotations` turned by quarters); each is then registered and compared by
    its worst place (`tamis.runtime.pair_verification`), so that alike pictures are not taken for
    the same.
    `Verdict` says what a copy, a changed version and an undecided pair are.

    Of a group of copies stays: a file that is there before one that has vanished, then what
    `prefer` says, then most pixels (an enlarged copy counts as what it was enlarged from),
    without the blank corners of a tilt, neither blurred nor over-sharpened, with its EXIF data,
    most bytes, first path. Each dropped picture was compared with its keeper, and no two kept ones
    are known to be copies. The same pictures give the same answer in any order.

    With `apply`, one operation sets `duplicate_of` (the keeper's sample id), `duplicate_score`,
    `duplicate_kind`, `duplicate_group` (joins copies, chains included) and `changed_group` (joins
    changed and undecided ones too) of all that was searched, and clears older ones there. Nothing
    is deleted from disk.

    Cost: neighbours as in `knn_graph`, the comparison of at most 16 candidates a picture, and about
    10 ms a megapixel for each copy whose file is looked at. Memory: the vectors, 1 KB a picture
    and .5 GB.

    Args:
        store: the dataset.
        column: vector column; if None the one with the most vectors.
        threshold: score in (0, 1] from which a pair is a copy, or `auto`: learned from these
            pictures (`tamis.algo.calibration`).
        changed_threshold: agreement in (0, 1] from which a pair shows one view, or `auto`.
        drop: `copies`, or `changed` to drop changed versions as well.
        prefer: rules of what to keep, the first that tells two copies apart decides; see
            `tamis.services.duplicates.preferences`.
        where: SQL condition on what is searched and marked; parts of pictures are left out unless
            it names `kind`, and compared by their own pixels.
        rotations: find copies turned by 90, 180 and 270 degrees as well; each candidate is
            compared in four ways then.
        apply: set the marks.
        seed: the only source of chance.
        progress: told how many candidates are compared.

    Raises:
        UsageError: a threshold, rule or condition is wrong, nothing fulfils the condition, or
            there are no vectors.
    """
    if drop not in DROPS:
        raise UsageError(f"what to drop has to be one of {', '.join(DROPS)}, not {drop!r}")
    lines = _Lines.checked(threshold, changed_threshold)
    rules = parse_preferences(prefer)
    rng = np.random.default_rng(seed)
    embedded = read_embedded(store, column, where)
    samples = Samples.read(store, where)
    if where is not None and not samples.ids:
        raise UsageError(f"no picture fulfils the condition {where!r}")
    keeping = Keeping(store, samples, rules)
    search = Search(
        store,
        samples,
        embedded,
        keeping,
        drop=DROPS[drop],
        rotations=rotations,
        rng=rng,
        progress=progress,
    )
    search.more(np.arange(len(search.rows)))
    thresholds, calibration = lines.drawn(search)
    keeper = search.settle(thresholds)
    outcome = Outcome(samples, search, keeping, keeper, thresholds)
    pairs = outcome.pairs()
    verdicts = {verdict.value: 0 for verdict in Verdict if verdict != Verdict.DIFFERENT}
    for pair in pairs:
        verdicts[pair.verdict] += 1
    report = DuplicateReport(
        threshold=thresholds.copy,
        changed_threshold=thresholds.changed,
        calibration=calibration,
        pairs=pairs,
        groups=outcome.groups(),
        verdicts=verdicts,
        pictures=len(samples.ids),
        candidates=len(search.compared),
        column=embedded.column,
        recall=search.recall,
        notes=duplicate_notes(
            calibration,
            verdicts,
            samples,
            without_vector=len(samples.ids) - len(embedded.ids),
            drop_changed=drop == "changed",
            applied=apply,
        ),
    )
    if apply:
        params: dict[str, Any] = {
            "threshold": threshold,
            "changed_threshold": changed_threshold,
            "drop": drop,
            "prefer": [str(rule) for rule in rules],
            "where": where,
            "rotations": rotations,
            "column": embedded.column,
        }
        with store.operation("duplicates", params, seed) as op:
            op.set_marks(samples.ids, outcome.marks())
            op.counts |= _counts(report)
    return report


def _counts(report: DuplicateReport) -> dict[str, Any]:
    """What the log says of a search."""
    return {
        "groups": sum(bool(group.drop) for group in report.groups),
        "duplicates": report.dropped,
        "pairs": len(report.pairs),
        **{f"{verdict}_pairs": count for verdict, count in report.verdicts.items()},
        "threshold": report.threshold,
        "changed_threshold": report.changed_threshold,
        "candidates": report.candidates,
        "false_pair_rate": report.calibration.false_pair_rate,
        "shared_template": int(report.calibration.shared_template),
    }


@dataclass(frozen=True)
class _Lines:
    """The thresholds that the user gave; None is for the pictures to say."""

    copy: float | None
    changed: float | None

    @classmethod
    def checked(cls, threshold: float | str, changed: float | str) -> _Lines:
        return cls(
            _checked_threshold("threshold", threshold),
            _checked_threshold("threshold for changed versions", changed),
        )

    def drawn(self, search: Search) -> tuple[PairThresholds, PairCalibration]:
        """Return the thresholds, and what was learned of the pictures.

        Random pairs are looked at even if both are given: whether most share a view matters to
        splits.
        """
        calibration = search.calibration(self.copy)
        learned = calibration.thresholds
        thresholds = replace(
            learned,
            copy=learned.copy if self.copy is None else self.copy,
            changed=learned.changed if self.changed is None else self.changed,
        )
        return thresholds, calibration


def _checked_threshold(what: str, threshold: float | str) -> float | None:
    if threshold == "auto":
        return None
    if isinstance(threshold, str) or not 0 < threshold <= 1:
        raise UsageError(f"the {what} has to be 'auto' or a score in (0, 1], not {threshold!r}")
    return float(threshold)

"""The search for duplicates, from candidates to marks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import UsageError
from tamis.pages.page import require_page
from tamis.services.duplicates.answers import Answers
from tamis.services.duplicates.candidates import Candidates
from tamis.services.duplicates.gallery import write_duplicate_gallery
from tamis.services.duplicates.keeping import Keeping
from tamis.services.duplicates.outcome import Outcome
from tamis.services.duplicates.preferences import parse_preferences
from tamis.services.duplicates.result import DuplicateReport
from tamis.services.duplicates.samples import Samples
from tamis.types import Verdict
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.algo.calibration import PairCalibration, PairThresholds
    from tamis.runtime.workspace import Workspace
    from tamis.services.duplicates.contract import Duplicates
    from tamis.verbs.feedback import Feedback

__all__ = ["duplicates"]

_DROPPED: dict[str, frozenset[Verdict]] = {
    "copies": frozenset({Verdict.COPY}),
    "changed": frozenset({Verdict.COPY, Verdict.CHANGED}),
}


def duplicates(
    workspace: Workspace, request: Duplicates, feedback: Feedback = SILENT
) -> DuplicateReport:
    """Find copies and changed versions of pictures, and which of each group to keep.

    Candidates are equal files, the 8 nearest by vector and the 4 nearest by perceptual hash
    (mirrored too, and with `rotations` turned by quarters); each is then registered and compared by
    its worst place (`tamis.runtime.pair_verification`), so that alike pictures are not taken for
    the same. What two copies do not show of each other, a picture that both are copies of tells.
    `Verdict` says what a copy, a changed version and an undecided pair are.

    Of a group of copies stays: a file that is there before one that has vanished, then what
    `prefer` says, then most pixels (an enlarged copy counts as what it was enlarged from),
    without the blank corners of a tilt, neither blurred nor over-sharpened, with its EXIF data,
    most bytes, first path. Each dropped picture was compared with its keeper, and no two kept ones
    are known to be copies. The same pictures give the same answer in any order. What a review
    answered about a pair (`tamis review pairs`) outranks all of that.

    With `apply`, one operation sets `duplicate_of` (the keeper's sample id), `duplicate_score`,
    `duplicate_kind`, `duplicate_group` (joins copies, chains included) and `changed_group` (joins
    changed and undecided ones too) of all that was searched, and clears older ones there. Nothing
    is deleted from disk.

    Cost: neighbours as in `knn_graph`, the comparison of at most 16 candidates a picture, and about
    10 ms a megapixel for each copy whose file is looked at. Memory: the vectors, 3 KB a picture
    and .5 GB.

    Raises:
        UsageError: nothing fulfils the condition, there are no vectors, or the page cannot be
            written there.
    """
    if request.gallery is not None:
        require_page(request.gallery)
    store = workspace.store
    rules = parse_preferences(request.prefer)
    rng = np.random.default_rng(request.seed)
    known = workspace.vector_column(request.encoder)
    embedded = workspace.samples.of(request.where).vectors(known.name)
    samples = Samples.read(store, request.where)
    if request.where is not None and not samples.ids:
        raise UsageError(f"no picture fulfills the condition {request.where!r}")
    keeping = Keeping(store, samples, rules)
    answers = Answers.read(store, samples.ids)
    candidates = Candidates(
        store,
        samples,
        embedded,
        keeping,
        answers=answers,
        drop=_DROPPED[request.drop],
        rotations=request.rotations,
        rng=rng,
        progress=feedback.stage("duplicates"),
    )
    candidates.more(np.arange(len(candidates.rows)))
    # random pairs are looked at even if both lines are given: whether most share a view matters to
    # splits
    given = None if request.threshold == "auto" else request.threshold
    calibration = candidates.calibration(given)
    thresholds = _thresholds(request, calibration.thresholds)
    keeper = candidates.settle(thresholds)
    outcome = Outcome(samples, candidates, keeping, keeper, thresholds, answers=answers)
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
        candidates=len(candidates.compared),
        encoder=known.spec,
        column=embedded.column,
        recall=candidates.recall,
        gallery=None if request.gallery is None else str(request.gallery),
        notes=_notes(
            calibration,
            verdicts,
            samples,
            answers=len(answers),
            without_vector=len(samples.ids) - len(embedded.ids),
            empty_folders=keeping.empty_folders(),
            drop_changed=request.drop == "changed",
            applied=request.apply,
        ),
    )
    if request.apply:
        params: dict[str, Any] = {
            "threshold": request.threshold,
            "changed_threshold": request.changed_threshold,
            "drop": request.drop,
            "prefer": [str(rule) for rule in rules],
            "where": request.where,
            "rotations": request.rotations,
            "column": embedded.column,
        }
        with store.operation("duplicates", params, request.seed, request=request) as op:
            op.set_marks(samples.ids, outcome.marks())
            op.counts |= _counts(report)
    if request.gallery is not None:
        write_duplicate_gallery(store, report, request.gallery)
    return report


def _thresholds(request: Duplicates, learned: PairThresholds) -> PairThresholds:
    """Return the lines that were given, and those learned where none was."""
    copy, changed = request.threshold, request.changed_threshold
    return replace(
        learned,
        copy=learned.copy if copy == "auto" else copy,
        doubtful=learned.doubtful if copy == "auto" else None,
        changed=learned.changed if changed == "auto" else changed,
    )


def _counts(report: DuplicateReport) -> dict[str, Any]:
    """What the log says of a search."""
    return {
        "groups": sum(bool(group.drop) for group in report.groups),
        "duplicates": report.dropped,
        "pairs": len(report.pairs),
        **{f"{verdict}_pairs": count for verdict, count in report.verdicts.items()},
        "threshold": report.threshold,
        "changed_threshold": report.changed_threshold,
        "doubtful_threshold": report.calibration.thresholds.doubtful,
        "candidates": report.candidates,
        "false_pair_rate": report.calibration.false_pair_rate,
        "shared_template": int(report.calibration.shared_template),
    }


def _notes(
    calibration: PairCalibration,
    verdicts: Mapping[str, int],
    samples: Samples,
    *,
    answers: int,
    without_vector: int,
    empty_folders: list[str],
    drop_changed: bool,
    applied: bool,
) -> list[str]:
    """Say in sentences what the pairs and their number do not show."""
    notes = list(calibration.notes)
    changed, undecided = verdicts[Verdict.CHANGED], verdicts[Verdict.UNDECIDED]
    if changed and not drop_changed:
        notes.append(
            f"{_pairs(changed)} the same view with other content somewhere; they are listed as "
            "changed and stay, unless what to drop is changed."
        )
    if undecided:
        notes.append(
            f"{_pairs(undecided)} the same view, and at the resolution at hand nothing tells "
            "whether anything differs; they are listed as undecided and never dropped."
        )
    if answers:
        said = "1 pair was" if answers == 1 else f"{answers:,} pairs were"
        notes.append(f"{said} answered in a review; the answers stand, whatever the pixels say.")
    notes += [
        f"No picture lies in {folder!r}, so that the rule folder={folder} decides nothing."
        for folder in empty_folders
    ]
    if without_vector:
        notes.append(
            f"{without_vector} of {len(samples.ids)} have no vector, so that only their perceptual "
            "hashes propose pairs; run  tamis embed  first to find all."
        )
    if samples.elsewhere and applied:
        notes.append(
            f"{samples.elsewhere} were marked as duplicates of pictures that the condition leaves "
            "out; these marks are cleared, since only what fulfils it was compared."
        )
    return notes


def _pairs(number: int) -> str:
    return "1 pair shows" if number == 1 else f"{number:,} pairs show"

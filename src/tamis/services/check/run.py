"""Check that pictures and the dataset's own files are complete and undamaged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tamis.dataset.consistency import find_disagreements
from tamis.dataset.layout import check_dataset
from tamis.dataset.log_repair import repair_log
from tamis.dataset.presence import find_gone
from tamis.dataset.repair import repair
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import DatasetMissingError, DatasetTooNewError, TamisError
from tamis.services.check.contract import CheckReport, Problem
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.runtime.workspace import Workspace
    from tamis.services.check.contract import Check
    from tamis.verbs.feedback import Feedback

__all__ = ["check", "check_dataset_at"]


def check(workspace: Workspace, request: Check, feedback: Feedback = SILENT) -> CheckReport:
    """Check a dataset that can be opened; see `check_dataset_at`."""
    return check_dataset_at(workspace.path, request, feedback)


def check_dataset_at(path: Path, request: Check, feedback: Feedback = SILENT) -> CheckReport:
    """Read a whole dataset and every picture's file, and list what is missing, changed or damaged.

    Costs two reads of all of it: about two seconds a gigabyte. Changes nothing unless it is to
    repair, which is one operation.

    Args:
        path: the dataset.
        request: whether to repair.
        feedback: told after each picture's file.

    Raises:
        DatasetMissingError: no dataset lies there.
        DatasetTooNewError: a later version of tamis wrote it.
        ConflictError: another writer was in the way of a repair.
        StorageError: the disk refuses a repair.
    """
    mended: list[str] = []
    if request.repair:
        check_dataset(path)
        mended = repair_log(path)
        mended += repair(Store.open(path), request)
    report = _checked(path, feedback)
    return replace(report, repaired=len(mended), notes=[*mended, *report.notes])


def _checked(path: Path, feedback: Feedback) -> CheckReport:
    try:
        check_dataset(path)
        store = Store.open(path)
    except (DatasetMissingError, DatasetTooNewError):
        raise
    except TamisError as error:
        problems = [Problem("dataset", str(path), str(error))]
        return CheckReport(samples=0, problems=[*problems, *_damage(path)], notes=[_RESTORE])
    problems = _damage(path)
    samples = 0
    try:
        samples = store.count()
        problems += [
            Problem("dataset", str(path / one.part), one.reason)
            for one in find_disagreements(store)
        ]
        problems += [
            Problem(one.kind, one.path, one.reason, one.sample_id)
            for one in find_gone(store, thorough=True, progress=feedback.stage("check"))
        ]
    except TamisError as error:
        problems.append(Problem("dataset", str(path), str(error)))
    return CheckReport(samples=samples, problems=problems, notes=_notes(problems))


_RESTORE = (
    "tamis check --repair mends what the dataset can mend of itself; the rest comes back from a "
    "backup, or by making it again"
)


def _damage(path: Path) -> list[Problem]:
    return [Problem("dataset", part, reason) for part, reason in find_damage(path)]


def _notes(problems: list[Problem]) -> list[str]:
    kinds = {problem.kind for problem in problems}
    notes = []
    if "missing" in kinds:
        notes.append("tamis relink OLD NEW follows a folder that was moved or renamed")
    if "changed" in kinds:
        notes.append("tamis add takes files that changed as new pictures")
    if "dataset" in kinds:
        notes.append(_RESTORE)
    return notes

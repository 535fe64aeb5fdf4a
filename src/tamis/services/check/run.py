"""Check that pictures and the dataset's own files are complete and undamaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.layout import check_dataset
from tamis.dataset.presence import find_gone
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


def check(workspace: Workspace, _request: Check, feedback: Feedback = SILENT) -> CheckReport:
    """Check a dataset that can be opened; see `check_dataset_at`."""
    return check_dataset_at(workspace.path, feedback)


def check_dataset_at(path: Path, feedback: Feedback = SILENT) -> CheckReport:
    """Read a whole dataset and every picture's file, and list what is missing, changed or damaged.

    Costs a read of all of it: about a second a gigabyte. Changes nothing.

    Args:
        path: the dataset.
        feedback: told after each picture's file.

    Raises:
        DatasetMissingError: no dataset lies there.
        DatasetTooNewError: a later version of tamis wrote it.
    """
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
            Problem(one.kind, one.path, one.reason, one.sample_id)
            for one in find_gone(store, thorough=True, progress=feedback.stage("check"))
        ]
    except TamisError as error:
        problems.append(Problem("dataset", str(path), str(error)))
    return CheckReport(samples=samples, problems=problems, notes=_notes(problems))


_RESTORE = "what is damaged in the dataset comes back from a backup, or by making it again"


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

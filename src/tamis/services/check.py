"""Is all there and whole? The pictures, and the dataset's own files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tamis.dataset.layout import check_dataset
from tamis.dataset.presence import find_gone
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import DatasetMissingError, DatasetTooNewError, TamisError
from tamis.types import no_progress

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.types import Progress

__all__ = ["CheckReport", "Problem", "check"]

Kind = Literal["missing", "changed", "unreadable", "dataset"]


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be.

    Attributes:
        kind: of a picture `missing`, `changed` (its file holds something else) or `unreadable`;
            `dataset` for what is wrong with the dataset itself.
        path: the picture as the user gave it, or the part of the dataset.
        reason: one sentence.
        sample_id: the picture's key; None for the dataset.
    """

    kind: Kind
    path: str
    reason: str
    sample_id: str | None = None


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
        samples: rows that were looked at.
        problems: what is wrong; empty if all is there and whole.
        repaired: always 0: a check changes nothing.
        notes: sentences on what to do about it.
    """

    samples: int
    problems: list[Problem]
    repaired: int = 0
    notes: list[str] = field(default_factory=list)


def check(path: Path, *, progress: Progress = no_progress) -> CheckReport:
    """Read a whole dataset and every picture's file, and list what is missing, changed or damaged.

    Costs a read of all of it: about a second a gigabyte. Changes nothing.

    Args:
        path: the dataset.
        progress: told after each picture's file.

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
        return CheckReport(0, [*problems, *_damage(path)], notes=[_RESTORE])
    problems = _damage(path)
    samples = 0
    try:
        samples = store.count()
        problems += [
            Problem(one.kind, one.path, one.reason, one.sample_id)
            for one in find_gone(store, thorough=True, progress=progress)
        ]
    except TamisError as error:
        problems.append(Problem("dataset", str(path), str(error)))
    return CheckReport(samples, problems, notes=_notes(problems))


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

"""Questions that were given a name: they lie beside the dataset and outlast the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.storage import LocalStorage
from tamis.dataset.storage_errors import storage_guard
from tamis.errors import InputError, TamisError, UsageError
from tamis.interfaces.server.questions import Question

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.interfaces.server.row_table import RowTable

__all__ = ["Saved"]

_FOLDER: Final = "page"
_FILE: Final = "selections.json"
_LONGEST: Final = 100
_MOST: Final = 200


class Saved:
    """Named questions of a dataset: filters, polygons and conditions, never lists of pictures.

    Args:
        dataset: the dataset's folder.
    """

    def __init__(self, dataset: Path) -> None:
        self._place = dataset / _FOLDER
        self._storage = LocalStorage(self._place)

    def document(self, table: RowTable) -> list[dict[str, Any]]:
        """Return them by name, each with how many pictures it means now; None of a search.

        Raises:
            InputError: the file is damaged.
        """
        return [
            {"name": name, "question": question, "count": _count(question, table)}
            for name, question in sorted(self._read().items())
        ]

    def save(self, name: Any, question: Any) -> None:
        """Keep a question, in place of an earlier one of that name.

        Raises:
            UsageError: it is none, or cannot have that name.
            StorageError: the disk refuses.
        """
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST:
            raise UsageError(f"the name of a selection has 1 to {_LONGEST} letters")
        Question.of(question)
        kept = self._read() | {name.strip(): question}
        if len(kept) > _MOST:
            raise UsageError(f"{_MOST} selections are saved already; remove one first")
        self._write(kept)

    def remove(self, name: str) -> None:
        """Forget a question.

        Raises:
            UsageError: there is none of that name.
            StorageError: the disk refuses.
        """
        kept = self._read()
        if name not in kept:
            raise UsageError(f"no selection {name!r} is saved")
        self._write({key: value for key, value in kept.items() if key != name})

    def _read(self) -> dict[str, Any]:
        try:
            with storage_guard(self._place, "read"):
                if not self._storage.exists(_FILE):
                    return {}
                found = json.loads(self._storage.read(_FILE))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            place = self._place / _FILE
            raise InputError(f"{place}, the saved selections, is damaged: remove it to begin anew")
        return found

    def _write(self, kept: dict[str, Any]) -> None:
        with storage_guard(self._place, "write"):
            self._storage.put(_FILE, json.dumps(kept, indent=1).encode())


def _count(given: Any, table: RowTable) -> int | None:
    """Return how many pictures a question means; None if a search says, or it fits no more."""
    try:
        question = Question.of(given)
        return None if question.searches else int(question.mask(table).sum())
    except TamisError:
        return None  # a column or class may be gone; asking it says which

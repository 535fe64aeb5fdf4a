"""What a long verb remembers between its runs: small JSON files, each whole or not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tamis.dataset.durability import replace_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["StateFile"]

_FORMAT = "format"


class StateFile:
    """A JSON object in a file, with the number of its format.

    Args:
        path: the file.
        format: what this version writes; a file of another format is as if it were not there.
    """

    def __init__(self, path: Path, *, format: int = 1) -> None:  # noqa: A002 - the field's name
        self.path = path
        self._number = format

    def read(self) -> dict[str, Any] | None:
        """Return what was written last; None if there is nothing that can be read."""
        try:
            values = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(values, dict) or values.pop(_FORMAT, None) != self._number:
            return None
        return values

    def write(self, values: dict[str, Any]) -> None:
        """Replace what is there in one step, and make sure that it lasts.

        Raises:
            StorageError: the disk refuses; what was there stays.
        """
        replace_file(self.path, json.dumps({_FORMAT: self._number, **values}).encode())

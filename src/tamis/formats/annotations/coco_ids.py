"""What the ids in a COCO file name: numbers, texts, and some of them twice."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

__all__ = ["CocoIds"]


class CocoIds:
    """The entries of a list by their ids.

    Args:
        field: what an annotation calls the id.
        name: what tells two entries apart that have one id.
    """

    def __init__(self, field: str, name: str) -> None:
        self._field = field
        self._name = name
        self._exact: dict[Any, dict[str, Any] | list[dict[str, Any]]] = {}
        self._loose: dict[str, list[dict[str, Any]]] | None = None

    def add(self, entry: dict[str, Any]) -> None:
        """Take an entry, which has an `id`; one that is there already is the same."""
        key = _exact(entry["id"])
        there = self._exact.setdefault(key, entry)
        if there is not entry:
            several = there if isinstance(there, list) else [there]
            if not any(entry.get(self._name) == other.get(self._name) for other in several):
                self._exact[key] = [*several, entry]

    def _alike(self) -> dict[str, list[dict[str, Any]]]:
        """Return the entries by their ids as texts, made when an id is first not found as it is."""
        if self._loose is None:
            self._loose = defaultdict(list)
            for there in self._exact.values():
                for entry in there if isinstance(there, list) else [there]:
                    others = self._loose[_loose(entry["id"])]
                    if not any(entry.get(self._name) == one.get(self._name) for one in others):
                        others.append(entry)
        return self._loose

    def of(self, annotation: dict[str, Any]) -> dict[str, Any]:
        """Return the entry that an annotation names.

        Raises:
            ValueError: there is none, or several.
        """
        if self._field not in annotation:
            raise ValueError(f"it has no {self._field}")
        wanted = annotation[self._field]
        found = self._exact.get(_exact(wanted)) or self._alike().get(_loose(wanted), [])
        meant = found if isinstance(found, list) else [found]
        if not meant:
            raise ValueError(f"there is no {self._field} {wanted!r}")
        if len(meant) > 1:
            names = " and ".join(repr(entry.get(self._name)) for entry in meant[:2])
            raise ValueError(f"the {self._field} {wanted!r} is that of {names}")
        return meant[0]


def _exact(value: Any) -> tuple[str, Any]:
    return ("text" if isinstance(value, str) else "number", value)


def _loose(value: Any) -> str:
    """Return the same for a number and for its text; any other text is itself."""
    words = str(value).strip()
    try:
        number = float(words)
    except ValueError:
        return words
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else words


_EXACT = 2**53
"""Whole numbers below this are exact as floats; longer ids are compared as texts."""

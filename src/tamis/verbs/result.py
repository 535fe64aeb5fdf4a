"""A result: what a verb found, one document with the same keys in Python, JSON and HTTP."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from tamis.errors import UsageError
from tamis.outside_text import showable
from tamis.wording import short

__all__ = ["Result", "document_of"]

_SHOWN = 3


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """The base of what verbs return: a frozen dataclass that every interface shows alike.

    Attributes:
        notes: sentences that the user should know.
    """

    notes: Sequence[str] = ()

    table_of: ClassVar[str | None] = None
    """The field whose list `to_pandas` takes unless told."""

    def __repr__(self) -> str:
        shown = [f"{name}={_short(value)}" for name, value in _items(self) if name != "notes"]
        notes = "".join(f"\nnote: {showable(sentence)}" for sentence in self.notes)
        return f"{type(self).__name__}({', '.join(shown)}){notes}"

    def to_pandas(self, field: str | None = None) -> Any:
        """Return one of the result's lists as a table of pandas, a row for each entry.

        Args:
            field: the list, e.g. `groups`; by default the one that the verb is asked for.

        Raises:
            UsageError: the result has no such list, or pandas is not installed.
        """
        name = self.table_of if field is None else field
        rows = None if name is None else getattr(self, name, None)
        if not isinstance(rows, list | tuple):
            lists = [name for name, value in _items(self) if isinstance(value, list | tuple)]
            raise UsageError(
                f"{type(self).__name__} has no list {name!r}; name one of {', '.join(lists)}"
            )
        try:
            pandas: Any = import_module("pandas")
        except ModuleNotFoundError as error:
            raise UsageError(
                "to_pandas needs pandas, which tamis does not install: run  pip install pandas"
            ) from error
        return pandas.DataFrame([document_of(row) for row in rows])

    def _repr_html_(self) -> str:
        from html import escape

        shown = [(name, _short(value)) for name, value in _items(self) if name != "notes"]
        shown += [("note", sentence) for sentence in self.notes]
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in shown
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"

    def __getitem__(self, name: str) -> Any:
        if name not in {field.name for field in _shown(self)}:
            raise KeyError(name)
        return getattr(self, name)

    def document(self) -> dict[str, Any]:
        """Return it as one JSON document, every key of it a field."""
        return {field.name: document_of(getattr(self, field.name)) for field in _shown(self)}


def _shown(value: Any) -> list[dataclasses.Field[Any]]:
    # what carries on the work in Python alone is marked as private; notes stand at the end
    shown = [field for field in dataclasses.fields(value) if not field.metadata.get("private")]
    return sorted(shown, key=lambda field: field.name == "notes")


def document_of(value: Any) -> Any:  # noqa: C901, PLR0911 - one case a kind of value
    """Return a value as plain JSON: dataclasses as objects, arrays and tuples as lists.

    Numbers that JSON lacks (not a number, infinite) become null.

    >>> document_of((1, float("nan"), Path("a/b")))
    [1, None, 'a/b']

    Raises:
        TypeError: it has no JSON form; a defect of tamis.
    """
    match value:
        case None | bool() | int() | Enum() | str():
            return value.value if isinstance(value, Enum) else value
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Result():
            return value.document()
        case Mapping():
            return {str(document_of(key)): document_of(one) for key, one in value.items()}
        case AbstractSet():
            return sorted(document_of(one) for one in value)
        case list() | tuple() | Iterator():
            return [document_of(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: document_of(getattr(value, field.name)) for field in _shown(value)}
    if hasattr(value, "tolist"):  # an array, or a number of NumPy
        return document_of(value.tolist())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _items(result: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(result, field.name)) for field in _shown(result)]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return short(value)
    if hasattr(value, "shape"):
        return f"array{tuple(value.shape)}"
    if isinstance(value, Mapping | list | tuple) and len(value) > _SHOWN:
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, list | tuple) and any(map(_is_record, value)):
        return f"[{len(value)} x {type(value[0]).__name__}]"
    return f"{type(value).__name__}(...)" if _is_record(value) else repr(value)


def _is_record(value: Any) -> bool:
    return dataclasses.is_dataclass(value) or isinstance(value, Mapping)

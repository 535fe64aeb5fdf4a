"""Which verbs a page may ask for, and which of their fields: those that name no file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from tamis.errors import UsageError
from tamis.verbs.registry import request_class
from tamis.verbs.request import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.interfaces.server.row_table import RowTable
    from tamis.verbs.request import Request

__all__ = ["QUICK", "SERVED", "request_of", "served_fields"]

QUICK: Final = (
    "info",
    "compare",
    "search",
    "label set",
    "label clear",
    "label tag",
    "label untag",
    "label boxes",
    "label draw",
    "label edit",
    "label interpolate",
    "label remove",
    "label rename",
    "label layers",
    "review",
    "log",
    "undo",
    "redo",
    "checkout",
    "diff",
    "tag",
)
"""Answered at once."""

_LONG: Final = (
    "cluster",
    "coverage",
    "duplicates",
    "embed",
    "filter",
    "index",
    "label mislabels",
    "label propagate",
    "label review",
    "map",
    "scores",
    "select",
    "split",
    "check",
)
"""Done as jobs."""

SERVED: Final = (*QUICK, *_LONG)

_SAMPLES: Final = {"search": ("like", "unlike")}
"""Fields that take sample ids or files; here they take ids alone."""

_FILES: Final = {
    "search": ("open_page",),
    "duplicates": ("open_page",),
    "filter": ("open_page",),
    "embed": ("encoder", "runner"),
    "check": ("repair",),
    "select": ("open_page",),
    "cluster": ("open_page",),
}
"""Fields that reach files, programs or other machines by what they hold, whatever their type."""


def served_fields(request: type[Request[Any]]) -> list[str]:
    """Return the fields of a request that a page may give."""
    hidden = _FILES.get(request.verb, ())
    return [
        field.name
        for field in fields_of(request)
        if field.name not in hidden and not _names_paths(field.annotation)
    ]


def request_of(verb: str, given: Any, table: RowTable) -> Request[Any]:
    """Return the request that a page makes of a dataset with some rows.

    Raises:
        UsageError: the verb or a field is none that a page may ask for, or a value does not fit.
    """
    if verb not in SERVED:
        raise UsageError(f"the page cannot ask for {verb!r}; run  tamis {verb}  in a terminal")
    if not isinstance(given, dict):
        raise UsageError("a request is a JSON object")
    asked = request_class(verb)
    for name in given:
        if name in {field.name for field in fields_of(asked)} - set(served_fields(asked)):
            raise UsageError(f"the page cannot give {name}, which names files; use the terminal")
    for name in _SAMPLES.get(verb, ()):
        _check_ids(name, given, table)
    return asked.of(given)


def _check_ids(name: str, given: Mapping[str, Any], table: RowTable) -> None:
    values = given.get(name, ())
    values = values if isinstance(values, list | tuple) else [values]
    if not all(isinstance(value, str) for value in values):
        raise UsageError(f"{name} takes sample ids")
    table.require(values)


def _names_paths(annotation: Any) -> bool:
    return annotation is Path or any(map(_names_paths, get_args(annotation)))

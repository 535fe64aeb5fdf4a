"""The command line that repeats an operation of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.log_reading import FORMER_NAMES
from tamis.errors import UsageError
from tamis.verbs.command_line import command_line
from tamis.verbs.registry import VERBS, request_class
from tamis.verbs.request import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.history import LogEntry

__all__ = ["command_of"]

_OLDER: Final = {**FORMER_NAMES, "column": "encoder"}
_SILENT: Final = {"fingerprint": None, "exclude_duplicates": True}
"""Parameters of such logs that no option carries, with the value that a command line gives them."""


def command_of(entry: LogEntry) -> str | None:
    """Return the command that repeats an operation; None where the log does not say enough."""
    asked = entry.asked
    verb, fields = (entry.verb, _fields_of_old(entry)) if asked is None else asked
    if verb not in VERBS or fields is None:
        return None
    try:
        return command_line(request_class(verb).of(fields))
    except UsageError:
        return None  # asked for in words that this version lacks


def _fields_of_old(entry: LogEntry) -> Mapping[str, Any] | None:
    """Return the fields of the request that a log from before requests means."""
    fields: dict[str, Any] = {}
    for name, value in entry.params.items():
        if name in _SILENT:
            if _SILENT[name] not in (None, value):
                return None
        elif value is not None:
            fields[_OLDER.get(name, name)] = value
    if entry.verb not in VERBS:
        return None
    known = {field.name for field in fields_of(request_class(entry.verb))}
    if entry.seed is not None and "seed" in known:
        fields["seed"] = entry.seed
    if entry.verb == "duplicates":
        fields["apply"] = True  # what is in the log was applied
    return fields

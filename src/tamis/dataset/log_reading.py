"""Reading from the log what operations left there for later verbs, as one type for each kind.

A log entry holds dictionaries, so that any version reads any log. It keeps the request, and beside
it only what the request does not say (`beside_request`). To read what an operation found, ask
`told` for its type (`tamis.dataset.operations`), never for keys: what an older log lacks has the
type's default, and a value of another kind is an error of the log, not of its reader.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from tamis.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tamis.verbs.request import Request

__all__ = [
    "ASKED",
    "FORMER_NAMES",
    "Logged",
    "Told",
    "beside_request",
    "last",
    "options_of",
    "told",
]

ASKED = "request"
"""Among an operation's parameters, the request that it was made for: its verb and its fields."""


FORMER_NAMES: Final = {"from": "from_", "labelled": "labeled", "negatives": "not_texts"}
"""What older logs call fields of requests."""


class Logged(Protocol):
    """What is read of an operation: a log's entry, a snapshot, or a report's step."""

    @property
    def verb(self) -> str:
        """What was done."""

    @property
    def state(self) -> str:
        """Whether it was done."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Its options."""

    @property
    def counts(self) -> Mapping[str, Any]:
        """What it did."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an operation of one verb leaves in the log for others to read.

    `options` are the fields that were asked for; the others are what it counted or measured.
    """

    verb: ClassVar[str]
    options: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def is_left(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether an operation of the verb with these options leaves it."""
        del options
        return True


_Operation = TypeVar("_Operation", bound=Told)


def beside_request(found: Mapping[str, Any], request: Request[Any]) -> dict[str, Any]:
    """Return what an operation found out, without what the fields of its request say already."""
    said = request.values()
    return {name: value for name, value in found.items() if name not in said or said[name] != value}


def options_of(entry: Logged) -> dict[str, Any]:
    """Return the options of an operation by name: what was asked for, and what came of it.

    Of an option that was asked for in one form and carried out in another, such as `auto`, the
    latter is returned. Old names of fields are read as today's.
    """
    asked: dict[str, Any] = (entry.params.get(ASKED) or {}).get("fields", {})
    kept = {name: value for name, value in entry.params.items() if name != ASKED}
    return asked | {FORMER_NAMES.get(name, name): value for name, value in kept.items()}


def told(entry: Logged, kind: type[_Operation]) -> _Operation | None:
    """Return what an operation left in the log; None if it is of another kind.

    An option is looked for in its parameters, then in its request, all else in its counts.

    Raises:
        DatasetError: the entry lacks what every version has written, or holds another kind of
            value.
    """
    if entry.verb != kind.verb:
        return None
    options = options_of(entry)
    if not kind.is_left(options):
        return None
    types = get_type_hints(kind)
    values = {}
    for one in fields(kind):
        known = options if one.name in kind.options else entry.counts
        if one.name not in known:
            if not _has_default(one):
                raise DatasetError(f"the log's entry of {entry.verb!r} has no {one.name!r}")
            continue
        value = known[one.name]
        if not _is(value, types[one.name]):
            raise DatasetError(f"the log's entry of {entry.verb!r} has {one.name} = {value!r}")
        values[one.name] = value
    return kind(**values)


def last(log: Iterable[Logged], kind: type[_Operation]) -> _Operation | None:
    """Return what the last operation of a kind that stands has left; None if there is none.

    Args:
        log: operations, oldest first.
        kind: the type of what it left.

    Raises:
        DatasetError: as `told`.
    """
    found = None
    for entry in log:
        if entry.state != "undone":
            found = told(entry, kind) or found
    return found


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _is(value: Any, kind: Any) -> bool:
    """Tell whether a value that JSON can hold is of a type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_is(value, one) for one in inner)
    if origin is list:
        return isinstance(value, list | tuple) and all(_is(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is(one, inner[1]) for one in value.values())
    if isinstance(value, bool):
        return kind in (bool, Any)
    return kind is Any or isinstance(value, int | float if kind is float else kind)

"""A request: everything that one verb can be asked, validated, as one frozen dataclass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    NamedTuple,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from tamis.errors import UsageError
from tamis.verbs.values import Kind, kind_of

__all__ = ["Argument", "Field", "Option", "Request", "fields_of"]

_EXPONENT_FROM: Final = 1e15

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Option:
    """What a field of a request means, wherever it is shown.

    Attributes:
        help: one sentence; it becomes the help of the command line, the docstring of the Python
            method and the description in the JSON schema.
        names: how the command line spells it; `--field-name` if not given. For a flag that is on
            by default, the spelling that turns it off comes second.
        metavar: what stands for the value in the help.
        minimum: least value.
        maximum: largest value.
        default: what happens without it, in words, where the default is None or does not tell.
        by_place: Python may give it without its name; an argument always may be.
        spread: a fixed number of values is given as words of their own, not with commas.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    default: str | None = None
    spread: bool = False
    by_place: bool = False

    positional: ClassVar[bool] = False

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        schema = handler(core)
        schema["description"] = self.help
        for key, bound in (("minimum", self.minimum), ("maximum", self.maximum)):
            if bound is not None:
                schema[key] = bound
        return schema


class Argument(Option):
    """An option that the command line takes as a word by its place."""

    positional: ClassVar[bool] = True


class Field(NamedTuple):
    """One field of a request.

    Attributes:
        name: its name in Python.
        option: what it means.
        kind: which values it takes.
        annotation: its type.
        default: its default; `dataclasses.MISSING` where it must be given.
    """

    name: str
    option: Option
    kind: Kind
    annotation: Any
    default: Any

    @property
    def spellings(self) -> tuple[str, ...]:
        """How the command line spells it."""
        return self.option.names or (f"--{self.name.replace('_', '-')}",)


@dataclass(frozen=True)
class Request(Generic[R_co]):
    """All that a verb can be asked; `R_co` is its result.

    A subclass is a frozen dataclass whose fields are annotated with `Option` or `Argument`, and
    names its verb: `class Search(Request["SearchResult"], verb="search")`. Its docstring's first
    line is the verb's help. The work is done by the function with the verb's name in the module
    `run` beside it.

    Raises:
        UsageError: a value is of the wrong type or out of bounds.
    """

    verb: ClassVar[str] = ""
    writes: ClassVar[bool] = False
    creates: ClassVar[bool] = False
    where_to_run: ClassVar[str] = ""

    def __init_subclass__(
        cls,
        *,
        verb: str,
        writes: bool = False,
        creates: bool = False,
        run: str | None = None,
        **rest: Any,
    ) -> None:
        super().__init_subclass__(**rest)
        cls.verb = verb
        cls.writes = writes
        cls.creates = creates
        room = cls.__module__.rpartition(".")[0]
        # `run` may name a function, or a module beside the request's and a function in it
        module, _, function = (run or verb.rsplit(maxsplit=1)[-1].replace("-", "_")).rpartition(":")
        cls.where_to_run = f"{room}.{module or 'run'}:{function}"

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            value = _checked(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        self.check()

    def check(self) -> None:
        """Refuse fields that do not go together.

        Raises:
            UsageError: two of them contradict each other.
        """

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as JSON values."""
        values = self.values()
        return {
            field.name: values[field.name]
            for field in fields_of(type(self))
            if getattr(self, field.name) != field.default
        }

    def values(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {field.name: _as_json(getattr(self, field.name)) for field in fields_of(type(self))}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the request of JSON values, the opposite of `given`.

        Raises:
            UsageError: a name is no field of it, one that is needed is missing, or a value does
                not fit.
        """
        known = {field.name: field for field in fields_of(cls)}
        for name in given:
            if name not in known:
                raise UsageError(f"{cls.verb} takes no {name!r}; it takes {', '.join(known)}")
        for field in known.values():
            if field.default is MISSING and field.name not in given:
                raise UsageError(f"{cls.verb} needs {field.name}: {field.option.help}")
        return cls(**given)


def fields_of(request: type[Request[Any]]) -> tuple[Field, ...]:
    """Return the fields of a request, in their order.

    Raises:
        TypeError: a field is not annotated with its meaning; a defect of the class.
    """
    cls: Any = request
    return _read_fields(cls)


@cache
def _read_fields(request: Any) -> tuple[Field, ...]:
    hints = get_type_hints(request, include_extras=True)
    found = []
    for one in fields(request):
        annotation = hints[one.name]
        options = [
            extra
            for extra in (get_args(annotation)[1:] if get_origin(annotation) is Annotated else ())
            if isinstance(extra, Option)
        ]
        if not options:
            raise TypeError(f"{request.__name__}.{one.name} does not say what it means")
        inner = get_args(annotation)[0]
        # the last one wins: a class may say more of an option that many share
        found.append(Field(one.name, options[-1], kind_of(inner), inner, one.default))
    return tuple(found)


def _checked(field: Field, value: Any) -> Any:
    try:
        value = field.kind.check(value)
    except ValueError as error:
        raise UsageError(f"{field.name} is {value!r}; give {error}") from None
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int | float) and not isinstance(number, bool):
            _check_bounds(field, number)
    return value


def _check_bounds(field: Field, number: float) -> None:
    low, high = field.option.minimum, field.option.maximum
    if math.isnan(number):
        raise UsageError(f"{field.name} is not a number; give one")
    if (low is None or number >= low) and (high is None or number <= high):
        return
    if low is not None and high is not None:
        wanted = f"a value from {_plain(low)} to {_plain(high)}"
    elif low is not None:
        wanted = f"at least {_plain(low)}"
    else:
        wanted = f"at most {_plain(high)}"
    raise UsageError(f"{field.name} is {_plain(number)}; give {wanted}")


def _plain(number: float | None) -> str:
    """Return a number as a person types it: whole ones with all their digits."""
    whole = number is not None and abs(number) < _EXPONENT_FROM and number == int(number)
    return f"{number:.0f}" if whole else f"{number:g}"


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    return value

"""Values that options take: how they are checked, read from text and written as text.

A kind is found by the annotation of a request's field: `int`, `float`, `bool`, `str`, `Path`,
`Literal[...]`, `X | None`, unions such as `float | Literal["auto"]`, `Sequence[X]`,
`tuple[int, int, int, int]`, `tuple[float, ...]` and `Mapping[str, float]`.
"""

from __future__ import annotations

import os
import types
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

__all__ = ["Kind", "Row", "kind_of"]


class Kind(ABC):
    """Values of one type; `ValueError` says in a few words what would be one."""

    many = False
    """Whether an option of this kind is repeated, a word for each value."""

    wanted = "another value"
    """What such a value is, for the sentence that refuses another."""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return a value given in Python or JSON in its own form.

        Raises:
            ValueError: it is none.
        """

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value that a word of the command line means.

        Raises:
            ValueError: it means none.
        """

    def write(self, value: Any) -> str:
        """Return the word that `read` takes for the value."""
        return str(value)

    def words(self) -> tuple[str, ...]:
        """Return the words that can be given where they are few, for completion."""
        return ()

    def refuse(self) -> ValueError:
        """Return the error that says what is wanted."""
        return ValueError(self.wanted)


class _Text(Kind):
    wanted = "a text"

    def check(self, value: Any) -> str:
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not isinstance(value, str):
            raise self.refuse()
        return value

    def read(self, text: str) -> str:
        return text


class _Path(Kind):
    wanted = "a path"

    def check(self, value: Any) -> Path:
        if not isinstance(value, str | os.PathLike):
            raise self.refuse()
        return Path(value)

    def read(self, text: str) -> Path:
        return Path(text)


class _Flag(Kind):
    wanted = "true or false"

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse()
        return value

    def read(self, text: str) -> bool:
        if text not in {"true", "false"}:
            raise self.refuse()
        return text == "true"

    def write(self, value: Any) -> str:
        return str(value).lower()


class _Number(Kind):
    wanted = "a number"

    def check(self, value: Any) -> float:
        if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
            raise self.refuse()
        return float(value)

    def read(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self.refuse() from None

    def write(self, value: Any) -> str:
        return repr(float(value)).removesuffix(".0")


class _Whole(Kind):
    wanted = "a whole number"

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise self.refuse()
        return int(value)

    def read(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise self.refuse() from None


class _Choice(Kind):
    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices
        *most, last = choices
        self.wanted = f"{', '.join(most)} or {last}" if most else f"the word {last}"

    def check(self, value: Any) -> str:
        if value not in self.choices:
            raise self.refuse()
        return str(value)

    def read(self, text: str) -> str:
        return self.check(text)

    def words(self) -> tuple[str, ...]:
        return self.choices


class _Either(Kind):
    """The first of several kinds that fits."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds
        self.many = any(kind.many for kind in kinds)
        self.wanted = " or ".join(kind.wanted for kind in kinds)

    def check(self, value: Any) -> Any:
        if isinstance(value, str) and not self.many:
            return self.read(value)  # so that a text means the same however it is given
        return self._first(lambda kind: kind.check(value))

    def read(self, text: str) -> Any:
        return self._first(lambda kind: kind.read(text))

    def write(self, value: Any) -> str:
        # of a kind that is repeated, one value at a time is written
        return str(
            self._first(
                lambda kind: kind.write(kind.check(value)[0] if kind.many else kind.check(value))
            )
        )

    def words(self) -> tuple[str, ...]:
        return tuple(word for kind in self.kinds for word in kind.words())

    def _first(self, attempt: Any) -> Any:
        for kind in self.kinds:
            try:
                return attempt(kind)
            except ValueError:
                continue
        raise self.refuse()


class _Optional(_Either):
    """A kind, or None, for which no word stands."""

    def check(self, value: Any) -> Any:
        return None if value is None else super().check(value)


class _Several(Kind):
    """Any number of values of a kind; one alone stands for itself."""

    many = True

    def __init__(self, one: Kind) -> None:
        self.one = one
        self.wanted = f"{one.wanted}, or several"

    def check(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | os.PathLike | Mapping) or not isinstance(
            value, Sequence | set | frozenset
        ):
            return (self.one.check(value),)
        return tuple(self.one.check(one) for one in value)

    def read(self, text: str) -> Any:
        return self.one.read(text)

    def write(self, value: Any) -> str:
        return self.one.write(value)

    def words(self) -> tuple[str, ...]:
        return self.one.words()


class Row(Kind):
    """A fixed number of values, on the command line with commas between them."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds
        self.wanted = f"{len(kinds)} values with commas between them"

    def check(self, value: Any) -> tuple[Any, ...]:
        """Return the values in their own form."""
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.refuse()
        if len(value) != len(self.kinds):
            raise self.refuse()
        return tuple(kind.check(one) for kind, one in zip(self.kinds, value, strict=True))

    def read(self, text: str) -> tuple[Any, ...]:
        """Return the values that a word with commas means."""
        return self.read_words(text.split(","))

    def read_words(self, parts: Sequence[str]) -> tuple[Any, ...]:
        """Return the values that words mean, one word a value."""
        if len(parts) != len(self.kinds):
            raise self.refuse()
        return tuple(kind.read(part) for kind, part in zip(self.kinds, parts, strict=True))

    def write(self, value: Any) -> str:
        """Return the word with commas."""
        return ",".join(kind.write(one) for kind, one in zip(self.kinds, value, strict=True))


class _Values(Kind):
    """Any number of values of a kind, on the command line with commas between them."""

    def __init__(self, one: Kind) -> None:
        self.one = one
        self.wanted = f"{one.wanted}, or several with commas between them"

    def check(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.refuse()
        return tuple(self.one.check(one) for one in value)

    def read(self, text: str) -> tuple[Any, ...]:
        return tuple(self.one.read(part) for part in text.split(","))

    def write(self, value: Any) -> str:
        return ",".join(map(self.one.write, value))


class _Shares(Kind):
    """Names with a number each: `{"dpp": .5, "random": .5}`, or `dpp:0.5,random:0.5`."""

    wanted = "NAME:NUMBER,NAME:NUMBER"

    def check(self, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise self.refuse()
        return {_Text().check(name): _Number().check(share) for name, share in value.items()}

    def read(self, text: str) -> dict[str, float]:
        shares: dict[str, float] = {}
        for part in text.split(","):
            name, colon, share = part.rpartition(":")
            if not colon or not name.strip():
                raise self.refuse()
            try:
                shares[name.strip()] = _Number().read(share)
            except ValueError:
                raise self.refuse() from None
        return shares

    def write(self, value: Any) -> str:
        return ",".join(f"{name}:{_Number().write(share)}" for name, share in value.items())


_SIMPLE: Final = {bool: _Flag(), int: _Whole(), float: _Number(), str: _Text(), Path: _Path()}


@cache
def kind_of(annotation: Any) -> Kind:
    """Return the kind of values that a field with this annotation holds.

    >>> kind_of(tuple[int, int]).read("3,4"), kind_of(float | None).check(None)
    ((3, 4), None)

    Raises:
        TypeError: there is no kind for it; a defect of the request class.
    """
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _Choice(tuple(map(str, inner)))
    if origin in {Union, types.UnionType}:
        given = [kind_of(one) for one in inner if one is not type(None)]
        # what takes every text is asked last
        given.sort(key=lambda kind: isinstance(kind, _Text | _Path))
        return (_Optional if type(None) in inner else _Either)(given)
    if origin is tuple:
        several = inner[-1:] == (...,)
        return _Values(kind_of(inner[0])) if several else Row([kind_of(one) for one in inner])
    if origin is not None and issubclass(origin, Mapping):
        return _Shares()
    if origin is not None and issubclass(origin, Sequence):
        return _Several(kind_of(inner[0]))
    raise TypeError(f"no option can hold {annotation!r}")

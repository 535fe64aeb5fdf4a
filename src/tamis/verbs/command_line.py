"""Requests as the command lines that ask for them, and back."""

from __future__ import annotations

import shlex
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from tamis.errors import UsageError
from tamis.verbs.request import fields_of
from tamis.verbs.values import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.verbs.request import Field, Request

__all__ = ["command_line", "dataset_words", "quoted", "read_words", "words_of"]


def command_line(request: Request[Any]) -> str:
    """Return the command that asks for a request, as a shell takes it."""
    return shlex.join(["tamis", *words_of(request)])


def dataset_words(path: Path) -> list[str]:
    """Return the words that name a dataset to a command; none where it is meant without them."""
    return [] if path.name == "dataset.tamis" and not path.is_absolute() else ["-d", str(path)]


def quoted(word: str) -> str:
    r"""Return a word as a shell takes it, in double quotes where it has single ones.

    Double ones are read more easily, by people and by the shells of Windows.

    >>> quoted("label = 'cat'"), quoted("cat"), quoted("a b")
    ('"label = \'cat\'"', 'cat', "'a b'")
    """
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def words_of(request: Request[Any]) -> list[str]:
    """Return the words after `tamis` that ask for a request; defaults are left out."""
    words: list[str] = []
    options: list[str] = []
    for field in fields_of(type(request)):
        value = getattr(request, field.name)
        if field.option.positional:
            words += _plain(field, value)
        elif value != field.default:
            options += _option(field, value)
    if any(word.startswith("-") for word in words):
        words = ["--", *words]  # or a word with a dash in front would be an option
    return (
        [*request.verb.split(), *options, *words]
        if words[:1] == ["--"]
        else [
            *request.verb.split(),
            *words,
            *options,
        ]
    )


def read_words(request: type[Request[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request from what the command line gave for each, as texts.

    Args:
        request: the request's class.
        given: for each field a text, a flag, several texts, or None where it was not given.

    Raises:
        UsageError: a text cannot be read; the message names the option.
    """
    read: dict[str, Any] = {}
    for field in fields_of(request):
        value = given.get(field.name)
        if value is None or (field.kind.many and not value):
            continue
        if isinstance(value, bool):
            read[field.name] = value
            continue
        texts = [value] if isinstance(value, str) else list(value)
        try:
            if field.option.spread:
                read[field.name] = _row(field).read_words(texts)
                continue
            values = [field.kind.read(text) for text in texts]
        except ValueError as error:
            name = _spelling(field)
            shown = ", ".join(map(repr, texts))
            raise UsageError(f"{name} is {shown}; give {error}") from None
        read[field.name] = values if field.kind.many else values[0]
    return read


def _row(field: Field) -> Row:
    kinds = getattr(field.kind, "kinds", (field.kind,))
    return next(kind for kind in (field.kind, *kinds) if isinstance(kind, Row))


def _spelling(field: Field) -> str:
    if field.option.positional:
        return (field.option.metavar or field.name.upper()).strip("[].")
    return field.spellings[0]


def _plain(field: Field, value: Any) -> Sequence[str]:
    if value is None or value is MISSING:
        return []
    return [field.kind.write(one) for one in (value if field.kind.many else [value])]


def _option(field: Field, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [field.spellings[0 if value else 1]]
    found: list[str] = []
    if field.option.spread:
        kinds = _row(field).kinds
        return [field.spellings[0], *(k.write(v) for k, v in zip(kinds, value, strict=True))]
    for word in _plain(field, value):
        # a value with a dash in front would be taken for an option
        name = field.spellings[0]
        joined = word.startswith("-") and name.startswith("--")
        found += [f"{name}={word}"] if joined else [name, word]
    return found

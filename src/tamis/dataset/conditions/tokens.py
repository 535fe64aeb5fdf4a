"""The words of an SQL condition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tamis.errors import UsageError

__all__ = ["MAX_CHARACTERS", "Token", "fault", "tokens_of"]

MAX_CHARACTERS = 1_000_000
"""Of a condition; a longer one is refused before it is read."""

_LARGEST, _LONGEST_SHOWN = 2**64, 120

Kind = Literal["name", "word", "text", "number", "sign", "end"]

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<name>`[^`]+`)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<word>[^\W\d]\w*)
      | (?P<sign><=|>=|<>|!=|==|\|\||[-+*/%=<>(),\[\]])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """One word of a condition.

    Attributes:
        kind: `name` is a quoted column, `word` a column, function or keyword, `text` and `number`
            are values, `sign` is an operator or a bracket, `end` comes after the last.
        text: of a name and a text what lies between the quotes, else as it was written.
        at: where it begins.
        quote: how a text was quoted.
    """

    kind: Kind
    text: str
    at: int
    quote: str = ""

    @property
    def key(self) -> str:
        """A keyword or an operator, to compare with: keywords in capitals."""
        return self.text.upper() if self.kind == "word" else self.text


def fault(where: str, what: str) -> UsageError:
    """The error of a condition, to be raised."""
    shown = where if len(where) <= _LONGEST_SHOWN else f"{where[:_LONGEST_SHOWN]}..."
    return UsageError(f"the condition {shown!r} cannot be used: {what}")


def tokens_of(where: str) -> list[Token]:
    """Split a condition into words; the last is its end.

    Raises:
        UsageError: it is too long, or holds a character that no condition has.
    """
    if len(where) > MAX_CHARACTERS:
        raise fault(where, f"it has {len(where)} characters, {MAX_CHARACTERS} are the most")
    try:
        where.encode()
    except UnicodeEncodeError as error:
        shown = where.encode(errors="backslashreplace").decode()
        raise fault(shown, "it holds bytes that are not UTF-8") from error
    tokens: list[Token] = []
    at = 0
    while at < len(where):
        found = _TOKEN.match(where, at)
        if found is None:
            raise fault(where, _strange(where, at))
        kind = found.lastgroup
        if kind != "space":
            tokens.append(_token(where, kind, found[0], at))
        at = found.end()
    return [*tokens, Token("end", "", at)]


def _token(where: str, kind: str | None, text: str, at: int) -> Token:
    if kind == "text":
        quote = text[0]
        return Token("text", text[1:-1].replace(quote * 2, quote), at, quote)
    if kind == "name":
        return Token("name", text[1:-1], at)
    if kind == "number":
        if abs(float(text)) >= _LARGEST:
            raise fault(where, f"the number {text} is too large")
        return Token("number", text, at)
    return Token("word" if kind == "word" else "sign", text, at)


def _strange(where: str, at: int) -> str:
    rest = where[at]
    if rest in "'\"`":
        return f"a quote {rest} is opened at character {at + 1} and never closed"
    if rest == ";":
        return "it has to be one SQL condition, without a semicolon"
    if rest in "?$:@":
        return f"{rest!r} at character {at + 1} stands for a value that is not given; write it out"
    if rest == "." and where[:at][-1:].isidentifier():
        return f"the dot at character {at + 1} is not expected; columns have no table before them"
    if rest.isdigit() or rest == ".":
        return f"there is no number at character {at + 1}: {where[at : at + 20]!r}"
    return f"{rest!r} at character {at + 1} has no meaning in a condition"

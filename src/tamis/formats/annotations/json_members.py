"""Read a JSON document of any size member by member, in bounded memory.

The parser of the standard library does the work on one value after another; a document is never
held as a whole.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

__all__ = ["open_json", "read_members"]

_CHUNK: Final = 1 << 20
_LARGEST: Final = 256 << 20
"""Characters of one value; what is longer is no annotation."""

_NEAR: Final = 16
"""What is this near to the end of what was read may go on: `-Infinity` has 9 characters."""

_TRIES: Final = 4
_NEXT: Final = re.compile(r"\}[ \t\n\r]*,[ \t\n\r]*\{")
"""Where an object ends and another one begins."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LEAST: Final = 4  # bytes that tell the encoding


@contextmanager
def open_json(file: Path) -> Iterator[IO[str]]:
    """Open a document in its encoding: UTF-8, 16 or 32, with a byte order mark or without."""
    with file.open("rb") as stream:
        encoding = json.detect_encoding(stream.read(_LEAST))
    with file.open(encoding=encoding) as text:
        yield text


def read_members(
    stream: IO[str],
    streamed: Collection[str],
    hook: Callable[[dict[str, Any]], Any] | None = None,
) -> Iterator[tuple[str, Any]]:
    """Yield the members of the object that a document is, in its order.

    A member that is an array and whose name is in `streamed` comes as an iterator of its elements,
    to be used before the next member is asked for; what it leaves is skipped. If the document is an
    array, it comes as one such iterator, under the empty name. Memory: the largest single value
    and a megabyte.

    Args:
        stream: the document.
        streamed: names of members whose elements are wanted one by one.
        hook: as `object_hook` of `json.loads`.

    Raises:
        ValueError: it is no JSON, breaks off, says a streamed member twice, or has a value of more
            than 256 Mi characters; raised where the reading has come so far.
        RecursionError: it is nested too deep.
    """
    text = _Text(stream, hook)
    match text.peek():
        case "[":
            elements = text.elements()
            yield "", elements
            for _ in elements:
                pass
        case "{":
            yield from _members(text, streamed)
        case other:
            raise ValueError(f"it begins with {other!r}, not with {{ or [")
    if text.peek():
        raise ValueError("something follows the end of the document")


def _members(text: _Text, streamed: Collection[str]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for name in text.names():
        if name in streamed:
            if name in seen:
                raise ValueError(f"{name} is there twice")
            seen.add(name)
            if text.peek() == "[":
                elements = text.elements()
                yield name, elements
                for _ in elements:
                    pass
                continue
        yield name, text.value()


class _Text:
    """What was read and not yet used of a document."""

    def __init__(
        self, stream: IO[str], hook: Callable[[dict[str, Any]], Any] | None = None
    ) -> None:
        self._stream = stream
        decoder = json.JSONDecoder(object_hook=hook)
        self._decode, self._decode_all = decoder.raw_decode, decoder.decode
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._one_by_one = False

    def _more(self) -> None:
        left = self._buffer[self._at :]
        if len(left) > _LARGEST:
            raise ValueError("one value of it is larger than 256 Mi characters")
        chunk = self._stream.read(max(_CHUNK, len(left)))  # at most twice is parsed what is long
        self._ended = not chunk
        self._buffer, self._at, self._one_by_one = left + chunk, 0, False

    def peek(self) -> str:
        """Return the next character that is no space, without using it; empty at the end."""
        if self._at < len(self._buffer) and (found := self._buffer[self._at]) not in " \t\n\r":
            return found
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if self._ended:
                return ""
            self._more()

    def take(self, allowed: str) -> str:
        """Use and return the next character, one of those allowed."""
        found = self.peek()
        if not found or found not in allowed:
            what = f"{found!r} stands" if found else "it breaks off"
            raise ValueError(f"{what} where one of  {' '.join(allowed)}  belongs")
        self._at += 1
        return found

    def value(self) -> Any:
        """Use and return the next value."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                unfinished = error.msg.startswith("Unterminated")
                far = error.pos < len(self._buffer) - _NEAR
                if self._ended or (far and not unfinished):
                    raise
            else:
                if end < len(self._buffer) - _NEAR or self._ended:  # `1.` may go on as `1.5`
                    self._at = end
                    return value
            self._more()

    def elements(self) -> Iterator[Any]:
        """Use an array element by element."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield from self._several()
            yield self.value()
            if self.take(",]") == "]":
                return

    def _several(self) -> list[Any]:
        """Use the elements that follow and are objects, many at once; perhaps none.

        What is decoded as a whole array up to some end was one: what stands before an end says
        whether it is that of an element. If the array itself has ended before, nothing is decoded.
        """
        end = len(self._buffer)
        for _ in range(_TRIES if not self._one_by_one else 0):
            end = self._buffer.rfind("}", self._at, end)
            while end >= 0 and not _NEXT.match(self._buffer, end):
                end = self._buffer.rfind("}", self._at, end)
            if end < 0:
                break
            try:
                found: list[Any] = self._decode_all(f"[{self._buffer[self._at : end + 1]}]")
            except json.JSONDecodeError as error:
                if error.msg.startswith("Extra data"):  # beyond the end of this array
                    end = self._at + error.pos - 1
                continue
            except (ValueError, RecursionError):  # told by the element in which it is
                continue
            self._at = self._buffer.index(",", end) + 1
            return found
        self._one_by_one = True
        return []

    def names(self) -> Iterator[str]:
        """Use an object name by name; whoever asks uses the values between."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() != '"':
                self.take('"')
            name = self.value()
            self.take(":")
            yield name
            if self.take(",}") == "}":
                return

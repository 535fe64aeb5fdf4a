"""A document that is read member by member says what it says as a whole, in bounded memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.formats.annotations import json_members
from tamis.formats.annotations.json_members import open_json, read_members

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=True)
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
NAMES = st.text(max_size=6)


def read(text: str, streamed=(), chunk: int = 7):
    """All members, those that are streamed as lists."""
    with mock.patch.object(json_members, "_CHUNK", chunk):
        members = read_members(io.StringIO(text), streamed)
        return [(name, list(v) if isinstance(v, Iterator) else v) for name, v in members]


@given(
    document=st.dictionaries(NAMES, VALUES, max_size=5),
    streamed=st.sets(NAMES, max_size=3),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
)
def test_an_object_is_what_json_loads_says(document, streamed, chunk, indent, ascii_only):
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert dict(read(text, streamed | set(list(document)[:1]), chunk)) == document


@given(document=st.lists(VALUES, max_size=5), chunk=st.integers(1, 40))
def test_an_array_is_one_member_without_a_name(document, chunk):
    assert read(json.dumps(document), (), chunk) == [("", document)]


@given(document=st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), data=st.data())
def test_what_breaks_off_is_refused(document, data):
    text = json.dumps(document)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(ValueError, match=r".+"):
        read(cut, document)


@pytest.mark.parametrize("text", ["", " ", "3", '"a"', "{} {}", "[1,]", '{"a":1,}', "{a:1}",
                                  "[1 2]", '{"a" 1}', "[nope]", '["\\x"]', "{]"])  # fmt: skip
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        read(text, ("a",))


def test_a_member_that_is_streamed_comes_once():
    with pytest.raises(ValueError, match="a is there twice"):
        read('{"a": [1], "a": [2]}', ("a",))


def test_what_is_left_of_an_array_is_skipped():
    members = read_members(io.StringIO('{"a": [1, 2, 3], "b": 4}'), ("a",))
    name, elements = next(members)
    assert (name, next(elements)) == ("a", 1)
    assert next(members) == ("b", 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_every_encoding_of_json(tmp_path, encoding):
    file = tmp_path / "a.json"
    file.write_text('{"é": ["犬"]}', encoding=encoding)
    with open_json(file) as stream:
        assert [(name, list(v)) for name, v in read_members(stream, ("é",))] == [("é", ["犬"])]


class Endless(io.TextIOBase):
    """A document of so many equal elements that is never there as a whole."""

    def __init__(self, element: str, count: int) -> None:
        self.element, self.left = element, count
        self.rest = '{"annotations": ['
        self.largest = self.given = 0

    def read(self, size: int = -1) -> str:
        self.largest = max(self.largest, size)
        while len(self.rest) < size and self.left:
            self.left -= 1
            self.rest += self.element + ("," if self.left else "]}")
        text, self.rest = self.rest[:size], self.rest[size:]
        self.given += len(text)
        return text


def test_memory_does_not_grow_with_the_document():
    stream = Endless(json.dumps({"bbox": [1.5] * 4, "id": 1234567, "a": "b" * 200}), 60_000)
    [(_, elements)] = (
        (name, sum(1 for _ in value)) for name, value in read_members(stream, ("annotations",))
    )
    assert elements == 60_000
    assert stream.given > 12 * json_members._CHUNK
    assert stream.largest <= json_members._CHUNK


def test_an_error_is_told_where_it_is_and_not_at_the_end():
    stream = Endless('{"id": nope}', 10**6)
    with pytest.raises(ValueError, match="Expecting value"):
        [list(value) for _, value in read_members(stream, ("annotations",))]
    assert stream.given <= 2 * json_members._CHUNK


def test_one_endless_value_is_refused(monkeypatch):
    monkeypatch.setattr(json_members, "_LARGEST", 1 << 16)
    monkeypatch.setattr(json_members, "_CHUNK", 1 << 12)
    stream = Endless('"' + "x" * (1 << 20), 2)
    with pytest.raises(ValueError, match="larger than"):
        [list(value) for _, value in read_members(stream, ("annotations",))]
    assert stream.given < 1 << 18

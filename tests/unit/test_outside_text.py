"""Texts from outside are stored as UTF-8 and shown without effect on the terminal."""

from __future__ import annotations

import json
import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tamis.outside_text import is_storable, showable, showable_json, storable

ANY = st.text(st.characters())
BYTES = st.binary(max_size=20).map(os.fsdecode)
OBEYED = {"Cc", "Cs"}
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(ANY | BYTES)
def test_whatever_is_stored_is_utf8(text):
    stored = storable(text)
    assert stored.encode().decode() == stored
    assert is_storable(text) == (stored == text)


@given(ANY | BYTES)
def test_what_is_shown_has_nothing_that_a_terminal_obeys(text):
    shown = showable(text)
    assert not OBEYED & {unicodedata.category(letter) for letter in shown}
    assert not TURNING & set(shown)
    assert set(showable(text, lines=True)) - set(shown) <= {"\n", "\t"}


@given(st.text(st.characters(exclude_categories=["Cs"]).filter(lambda c: c not in TURNING)))
def test_what_is_harmless_is_shown_as_it_is(text):
    plain = "".join(letter for letter in text if unicodedata.category(letter) != "Cc")
    assert showable(plain.replace("\u2028", "").replace("\u2029", "")) == plain.replace(
        "\u2028", ""
    ).replace("\u2029", "")


VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\x9bé"), inner),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_a_document_means_the_same_and_has_nothing_that_is_obeyed(value, ascii_only, indent):
    document = json.dumps(value, ensure_ascii=False, indent=indent)
    shown = showable_json(document, ascii_only=ascii_only)
    assert json.loads(shown) == value
    assert not TURNING & set(shown)
    assert not OBEYED & {unicodedata.category(c) for c in shown if c != "\n"}
    assert shown.isascii() or not ascii_only


@given(ANY | BYTES, st.booleans())
def test_a_document_with_any_name_in_it_is_utf8(text, ascii_only):
    document = json.dumps({"path": text}, ensure_ascii=False)
    shown = showable_json(document, ascii_only=ascii_only)
    assert json.loads(shown.encode())["path"] == storable(text)

"""Names of encoders, taken apart and put together."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.encoders.spec import EncoderSpec, convert_options, parse_spec
from tamis.errors import UsageError

TYPES = {
    "size": int,
    "ratio": float,
    "fast": bool,
    "mean": tuple[float, ...],
    "mode": Literal["squash", "pad"],
    "name": str,
}


@pytest.mark.parametrize(
    ("text", "kind", "name", "options"),
    [
        ("hf:a/b", "hf", "a/b", {}),
        ("py:net:build", "py", "net:build", {}),
        ("onnx:/d/x+y.onnx?mean=0,.5,1", "onnx", "/d/x+y.onnx", {"mean": "0,.5,1"}),
        ("hf:a?x=1+1&y=a%26b", "hf", "a", {"x": "1+1", "y": "a&b"}),
        ("hf:a?device=cuda:1", "hf", "a", {"device": "cuda:1"}),
        ("nothing", "nothing", "", {}),
    ],
)
def test_a_name_is_kind_name_and_options(text, kind, name, options):
    spec = parse_spec(text)
    assert (spec.kind, spec.name, spec.options) == (kind, name, options)


words = st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip)
names = st.text(st.characters(exclude_characters="?", exclude_categories=["C"]))


@given(names, st.dictionaries(words, words))
def test_writing_and_reading_a_name_gives_it_back(name, options):
    keys = {key: value for key, value in options.items() if key.isidentifier() and key.isascii()}
    spec = EncoderSpec("hf", name, keys)
    assert parse_spec(str(spec)) == spec


@pytest.mark.parametrize("text", ["hf:a?", "hf:a?size", "hf:a?size=", "hf:a?b=1&b=2"])
def test_broken_options_are_refused(text):
    with pytest.raises(UsageError, match="hf:a"):
        parse_spec(text)


def test_options_become_what_the_kind_wants():
    spec = parse_spec("x:y?size=3&ratio=.5&fast=no&mean=1,2,3&mode=pad&name=z")
    assert convert_options(spec, {**TYPES, "other": int}, {"other": 4}) == {
        "size": 3,
        "ratio": 0.5,
        "fast": False,
        "mean": (1.0, 2.0, 3.0),
        "mode": "pad",
        "name": "z",
        "other": 4,
    }


@pytest.mark.parametrize(
    ("text", "given_options", "message"),
    [
        ("x:y?sise=3", {}, "no option 'sise'.*size"),
        ("x:y", {"sise": 3}, "no option 'sise'"),
        ("x:y?size=3", {"size": 3}, "both"),
        ("x:y?size=three", {}, "size=three.*cannot be read"),
        ("x:y?fast=perhaps", {}, "neither true nor false"),
        ("x:y?mean=1,b", {}, "mean=1,b"),
        ("x:y?mode=crop", {}, "mode=crop.*one of squash, pad"),
    ],
)
def test_options_that_do_not_fit_are_refused(text, given_options, message):
    with pytest.raises(UsageError, match=message):
        convert_options(parse_spec(text), TYPES, given_options)


def test_the_processor_is_a_device_of_all_and_another_is_refused_where_there_is_none():
    spec = parse_spec("bundled:efficientnet-lite0")
    assert convert_options(spec, {"threads": int}, {"device": "cpu", "threads": 1}) == {
        "threads": 1
    }
    with pytest.raises(UsageError, match="runs on the processor alone"):
        convert_options(spec, {"threads": int}, {"device": "cuda"})

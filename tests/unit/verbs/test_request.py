"""Requests refuse what a verb cannot be asked, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - read at run time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from tamis.errors import UsageError
from tamis.verbs.command_line import command_line, read_words
from tamis.verbs.request import Argument, Option, Request, fields_of
from tamis.verbs.result import Result, document_of


@dataclass(frozen=True)
class Answer(Result):
    found: int = 0


@dataclass(frozen=True)
class Ask(Request[Answer], verb="ask"):
    """Ask for something."""

    words: Annotated[Sequence[str], Argument("Which words.")]
    _: KW_ONLY
    share: Annotated[float, Option("How much.", minimum=0, maximum=1)] = 0.5
    count: Annotated[int, Option("How many.", names=("-n",), minimum=1)] = 3
    way: Annotated[Literal["near", "far"], Option("Which way.")] = "near"
    limit: Annotated[float | Literal["auto"], Option("Up to where.")] = "auto"
    out: Annotated[Path | None, Option("Where it goes.")] = None
    loud: Annotated[bool, Option("Loudly.", names=("--loud", "--soft"))] = True

    def check(self):
        if self.way == "far" and self.out is None:
            raise UsageError("far needs a place")


def test_a_single_value_stands_for_a_row_of_one():
    assert Ask("one").words == ("one",)
    assert Ask(Path("a/b"), out="x").out == Path("x")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"share": 1.5}, "share is 1.5; give a value from 0 to 1"),
        ({"share": float("nan")}, "share is not a number; give one"),
        ({"share": "much"}, "share is 'much'; give a number"),
        ({"count": 0}, "count is 0; give at least 1"),
        ({"count": 2.5}, "count is 2.5; give a whole number"),
        ({"count": True}, "count is True; give a whole number"),
        ({"way": "up"}, "way is 'up'; give near or far"),
        ({"limit": "some"}, "limit is 'some'; give a number or the word auto"),
        ({"loud": "yes"}, "loud is 'yes'; give true or false"),
        ({"way": "far"}, "far needs a place"),
    ],
)
def test_what_does_not_fit_is_one_sentence(fields, sentence):
    with pytest.raises(UsageError) as caught:
        Ask(["a"], **fields)
    assert str(caught.value) == sentence


def test_unknown_and_missing_fields_are_named():
    with pytest.raises(UsageError, match="ask takes no 'colour'; it takes words, share"):
        Ask.of({"words": ["a"], "colour": 1})
    with pytest.raises(UsageError, match="ask needs words: Which words"):
        Ask.of({"share": 0.1})


def test_words_of_the_command_line_are_read_by_their_kind():
    given = {"words": ["a"], "share": "0.25", "limit": "7", "out": "x y", "loud": False}
    read = Ask.of(read_words(Ask, given))
    assert (read.share, read.limit, read.out, read.loud) == (0.25, 7.0, Path("x y"), False)
    assert command_line(read) == "tamis ask a --share 0.25 --limit 7 --out 'x y' --soft"
    with pytest.raises(UsageError, match=r"^-n is 'x'; give a whole number$"):
        read_words(Ask, {"words": ["a"], "count": "x"})


def test_what_is_not_given_is_left_out():
    assert Ask(["a", "b"]).given() == {"words": ["a", "b"]}
    assert command_line(Ask(["-a", "b"], share=1)) == "tamis ask --share 1 -- -a b"


def test_a_field_without_a_meaning_is_a_defect():
    @dataclass(frozen=True)
    class Mute(Request[Answer], verb="mute"):
        thing: int = 0

    with pytest.raises(TypeError, match="does not say what it means"):
        fields_of(Mute)


def test_documents_are_plain_and_notes_come_last():
    assert list(Answer(found=2, notes=["so"]).document()) == ["found", "notes"]
    assert document_of({1: (float("inf"), Path("x"))}) == {"1": [None, "x"]}
    with pytest.raises(TypeError, match="has no JSON form"):
        document_of(object())


def test_a_result_is_short_to_look_at():
    @dataclass(frozen=True, kw_only=True, repr=False)
    class Many(Result):
        hits: list[Answer]

    many = Many(hits=[Answer()] * 1000, notes=["a", "b"])
    assert repr(many) == "Many(hits=list of 1000)\nnote: a\nnote: b"
    assert len(many._repr_html_()) < 400
    assert many["hits"] is many.hits

"""Every verb: a request becomes a command line, JSON and a log entry, and comes back the same."""

from __future__ import annotations

import json
import shlex
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer.testing
from hypothesis import given
from hypothesis import strategies as st

from examples import few
from tamis.errors import TamisError, UsageError
from tamis.interfaces.cli import command as command_module
from tamis.interfaces.cli.main import app, commands
from tamis.verbs import values
from tamis.verbs.command_line import command_line, words_of
from tamis.verbs.registry import VERBS, request_class
from tamis.verbs.request import fields_of

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
NAMES = TEXTS.filter(bool)


def strategy_of(kind: values.Kind, option: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911
    """Values that a kind holds, within the option's bounds."""
    low, high = option.minimum, option.maximum
    match kind:
        case values._Optional():
            return st.none() | st.one_of(*(strategy_of(one, option) for one in kind.kinds))
        case values._Either():
            return st.one_of(*(strategy_of(one, option) for one in kind.kinds))
        case values._Several():
            # no word stands for an empty list
            return st.lists(strategy_of(kind.one, option), min_size=1, max_size=3).map(tuple)
        case values.Row():
            return st.tuples(*(strategy_of(one, option) for one in kind.kinds))
        case values._Shares():
            name = st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True)
            return st.dictionaries(name, st.floats(0, 1), min_size=1, max_size=3)
        case values._Choice():
            return st.sampled_from(kind.choices)
        case values._Flag():
            return st.booleans()
        case values._Whole():
            return st.integers(int(low if low is not None else -99), int(high or 999))
        case values._Number():
            return st.floats(
                -99 if low is None else low, 99 if high is None else high, allow_nan=False
            )
        case values._Path():
            return NAMES.map(Path)
    return NAMES


@st.composite
def requests_of(draw: Any, verb: str) -> Any:
    cls = request_class(verb)
    given_: dict[str, Any] = {}
    for field in fields_of(cls):
        made = strategy_of(field.kind, field.option)
        if field.default is MISSING:
            made = made.filter(lambda value: value not in ((), None))
        elif draw(st.booleans()):
            continue
        given_[field.name] = draw(made)
    try:
        return cls(**given_)
    except UsageError:
        return None  # fields that do not go together


COMMANDS = [verb for verb in VERBS if verb not in {"add crops", "add tiles"}]


def through_the_command_line(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    asked: list[Any] = []

    def note(self: Any, request: Any, *_: Any) -> Any:
        asked.append(request)
        raise UsageError("enough")

    monkeypatch.setattr(command_module.Command, "_answer", note)
    with pytest.raises(TamisError, match="enough"):
        commands()(args=words_of(request), standalone_mode=False)
    return asked[0]


@pytest.mark.hypothesis  # also by chance, in `make chance`
@pytest.mark.parametrize("verb", VERBS)
def test_a_request_comes_back_from_the_command_line_and_from_json(verb):
    with pytest.MonkeyPatch.context() as patch:

        @few(12)
        @given(request=requests_of(verb))
        def check(request):
            if request is None:
                return
            kept = json.loads(json.dumps(request.given()))
            assert type(request).of(kept) == request
            if verb in COMMANDS:
                assert through_the_command_line(request, patch) == request
                assert shlex.split(command_line(request)) == ["tamis", *words_of(request)]

        check()


def test_every_verb_is_named_as_its_request_is():
    for verb in VERBS:
        assert request_class(verb).verb == verb


def test_every_choice_is_offered_for_completion():
    for verb in VERBS:
        for field in fields_of(request_class(verb)):
            if get_origin(field.annotation) is Literal:
                assert field.kind.words() == get_args(field.annotation)


def test_help_names_every_option_once():
    runner = typer.testing.CliRunner()
    for verb in COMMANDS:
        shown = runner.invoke(app, [*verb.split(), "--help"]).output
        for field in fields_of(request_class(verb)):
            if not field.option.positional:
                assert field.spellings[0] in shown, (verb, field.name)

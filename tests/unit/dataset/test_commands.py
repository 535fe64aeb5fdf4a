"""Operations of the log as commands: quoted, complete, or none at all."""

from __future__ import annotations

import shlex

import pytest

from tamis.dataset.commands import command_of
from tamis.dataset.history import LogEntry
from tamis.dataset.store import Store
from tamis.services.search.contract import Search
from tamis.services.split.contract import Split


def entry(verb, params, seed=None):
    return LogEntry(1, verb, params, seed, {}, "done", "t", "t", 0, 1, 1)


def logged(tmp_path, request):
    store = Store.create(tmp_path / "d.tamis")
    with store.operation(request.verb, request=request):
        pass
    return store.log()[-1]


def test_an_operation_is_asked_for_again_as_it_was(tmp_path):
    asked = Split(folds=5, group=["camera", "day"], delimiter=";", seed=1)
    line = command_of(logged(tmp_path, asked))
    assert line == ("tamis split --folds 5 --group camera --group day --delimiter ';' --seed 1")


def test_a_hostile_name_stays_one_word(tmp_path):
    name = "it's; rm -rf $HOME"
    line = command_of(logged(tmp_path, Search(like=[name])))
    assert line is not None
    assert shlex.split(line) == ["tamis", "search", "--like", name]


@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("label set", {}),
        ("undo", {"operations": [3]}),
        ("select", {"n": 3, "exclude_duplicates": False}),
        ("split", {"request": {"verb": "split", "fields": {"colour": "red"}}}),
        ("later", {"request": {"verb": "later", "fields": {}}}),
    ],
)
def test_what_the_command_line_cannot_say_is_not_said(verb, params):
    assert command_of(entry(verb, params, 0)) is None


@pytest.mark.parametrize(
    ("verb", "params", "seed", "line"),
    [
        (
            "add",
            {"sources": ["my photos"], "labels": "folder"},
            None,
            "add 'my photos' --labels folder",
        ),
        (
            "duplicates",
            {"threshold": "auto", "drop": "changed", "where": None, "column": "v"},
            0,
            "duplicates --drop changed --encoder v --apply",
        ),
        (
            "select",
            {"n": 3, "strategy": {"dpp": 0.5, "random": 0.5}, "quotas": ["a=x:1", "a=*:..2"]},
            7,
            "select 3 --strategy dpp:0.5,random:0.5 --quota a=x:1 --quota 'a=*:..2' --seed 7",
        ),
    ],
)
def test_logs_from_before_requests_are_read(verb, params, seed, line):
    found = command_of(entry(verb, params, seed))
    assert found is not None
    assert set(shlex.split(found)) == set(shlex.split(f"tamis {line}"))

"""Operations of the log as commands: quoted, complete, or none at all."""

from __future__ import annotations

import shlex

import pytest

from tamis.services.report.commands import command_line


def test_a_hostile_name_stays_one_word():
    name = "it's; rm -rf $HOME"
    line = command_line("add", {"sources": [name, "b"], "labels": "none"}, None)
    assert line is not None
    assert shlex.split(line) == ["tamis", "add", name, "b", "--labels", "none"]


def test_options_that_were_not_given_are_left_out():
    params = {"train": 0.8, "val": 0.1, "test": 0.1, "group": None, "threshold": None}
    assert (
        command_line("split", params, 3) == "tamis split --train 0.8 --val 0.1 --test 0.1 --seed 3"
    )


@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("label set", {}),
        ("undo", {"operations": [3]}),
        ("select", {"n": 3, "exclude_duplicates": False}),
    ],
)
def test_what_the_command_line_cannot_say_is_not_said(verb, params):
    assert command_line(verb, params, 0) is None


def test_lists_become_repeated_options_and_truths_flags():
    params = {
        "texts": ["a cat", "dog"],
        "negatives": ["toy", "a drawing"],
        "threshold": None,
        "classes": True,
        "tag": "pets",
    }
    assert command_line("filter", params, 0) == (
        "tamis filter 'a cat' dog --not toy --not 'a drawing' --classes --tag pets --seed 0"
    )
    assert "--classes" not in str(command_line("filter", params | {"classes": False}, 0))


def test_every_option_of_a_search_for_duplicates_is_said():
    params = {"threshold": "auto", "changed_threshold": 0.6, "drop": "changed"}
    params |= {"prefer": ["folder=my raw", "oldest"], "where": None, "column": "v"}
    assert command_line("duplicates", params, 0) == (
        "tamis duplicates --threshold auto --changed-threshold 0.6 --drop changed "
        "--prefer 'folder=my raw' --prefer oldest --encoder v --seed 0 --apply"
    )


def test_every_option_of_a_split_is_said():
    params = {"folds": 5, "time": None, "group": ["camera", "day"], "delimiter": ";"}
    assert command_line("split", params | {"threshold": 0.9, "label": "tags"}, 1) == (
        "tamis split --folds 5 --group camera --group day --delimiter ';' --threshold 0.9 "
        "--label tags --seed 1"
    )


def test_a_selection_is_repeated_with_its_quotas_and_shares():
    params = {"n": 3, "strategy": {"dpp": 0.5, "random": 0.5}, "quotas": ["a=x:1", "a=*:..2"]}
    assert command_line("select", params | {"include": "a = 'x'", "forbid": None}, 7) == (
        "tamis select 3 --strategy dpp:0.5,random:0.5 --quota a=x:1 --quota 'a=*:..2' "
        "--include 'a = '\"'\"'x'\"'\"'' --seed 7"
    )

"""Operations of the log as commands: quoted, complete, or none at all."""

from __future__ import annotations

import json
import shlex

import pytest

from tamis.dataset.commands import command_of
from tamis.dataset.history import LogEntry
from tamis.dataset.log_reading import ASKED
from tamis.services.align.contract import Align
from tamis.services.duplicates.contract import Duplicates
from tamis.services.index.contract import Index
from tamis.services.scores.contract import Scores
from tamis.services.select.contract import Select
from tamis.services.split.contract import Split
from tamis.services.text_filter.contract import Filter
from tamis.verbs.command_line import words_of


def command_line(verb, params, seed):
    return command_of(
        LogEntry(
            operation=1,
            verb=verb,
            params=params,
            seed=seed,
            counts={},
            state="done",
            started="",
            finished="",
            before=0,
            snapshot=1,
            checkpoints=1,
        )
    )


@pytest.mark.parametrize(
    "request_",
    [
        Duplicates(threshold=0.5, apply=True, prefer=["folder=my raw", "oldest"], encoder="clip"),
        Select(9, strategy={"dpp": 0.5, "random": 0.5}, quotas=["label=*:2.."], seed=3),
        Select(9, labeled="label = 'x'", include="a = 'b'", forbid="selected"),
        Select(9, round=True, strategy="margin", label_column="kind"),
        Select(9, round=True, strategy={"margin": 0.25, "random": 0.75}),
        Scores(where="selected"),
        Split(time_block=90, gap="5s", group=["camera", "day"], delimiter=";", seed=1),
        Split(folds=5, threshold=-0.5, changed="apart", label="tags"),
        Filter(["a cat", "-dog"], not_texts=["toy"], classes=True, tag="pets"),
        Align(from_="hf:dinov2", to="hf:clip", out="maps/mine.npz"),
        Index(encoder="clip"),
    ],
    ids=lambda request: " ".join(words_of(request)),
)
def test_what_was_asked_is_asked_again(request_):
    kept = json.loads(json.dumps({"verb": request_.verb, "fields": request_.given()}))
    line = command_line(
        request_.verb, {ASKED: kept, "column": "found"}, request_.given().get("seed")
    )
    assert shlex.split(line) == ["tamis", *words_of(request_)]


# Logs from before requests


def test_a_hostile_name_stays_one_word():
    name = "it's; rm -rf $HOME"
    line = command_line("add", {"sources": [name, "b"], "labels": "none"}, None)
    assert line is not None
    assert shlex.split(line) == ["tamis", "add", name, "b"]


def test_options_that_were_not_given_are_left_out():
    params = {"train": 0.8, "val": 0.1, "test": 0.1, "group": None, "threshold": None}
    assert command_line("split", params, 3) == "tamis split --seed 3"


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
        "tamis filter 'a cat' dog --not toy --not 'a drawing' --classes --tag pets"
    )
    assert "--classes" not in str(command_line("filter", params | {"classes": False}, 0))


def test_every_option_of_a_search_for_duplicates_is_said():
    params = {"threshold": "auto", "changed_threshold": 0.6, "drop": "changed"}
    params |= {"prefer": ["folder=my raw", "oldest"], "where": None, "column": "v"}
    assert command_line("duplicates", params, 0) == (
        "tamis duplicates --changed-threshold 0.6 --apply --drop changed "
        "--prefer 'folder=my raw' --prefer oldest --encoder v"
    )


def test_every_option_of_a_split_is_said():
    params = {"folds": 5, "time": None, "group": ["camera", "day"], "delimiter": ";"}
    assert command_line("split", params | {"threshold": 0.9, "label": "tags"}, 1) == (
        "tamis split --folds 5 --group camera --group day --label tags --delimiter ';' "
        "--threshold 0.9 --seed 1"
    )


def test_a_selection_is_repeated_with_its_quotas_and_shares():
    params = {"n": 3, "strategy": {"dpp": 0.5, "random": 0.5}, "quotas": ["a=x:1", "a=*:..2"]}
    assert command_line("select", params | {"include": "a = 'x'", "forbid": None}, 7) == (
        "tamis select 3 --strategy dpp:0.5,random:0.5 --quota a=x:1 --quota 'a=*:..2' "
        "--include 'a = '\"'\"'x'\"'\"'' --seed 7"
    )

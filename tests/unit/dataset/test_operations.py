"""What the log tells later verbs, by type."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.dataset.log_reading import ASKED, last, options_of, told
from tamis.dataset.operations import (
    DuplicatesFound,
    PicturesAdded,
    RoundSelected,
    SplitMade,
    TagNamed,
    TextsFiltered,
)
from tamis.dataset.store import Store
from tamis.errors import DatasetError
from tamis.services.search.contract import Search

KINDS = (PicturesAdded, DuplicatesFound, RoundSelected, SplitMade, TextsFiltered, TagNamed)


@dataclass(frozen=True)
class Entry:
    verb: str
    params: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    state: str = "done"


WHOLE = st.integers(0, 10**9)
REAL = st.floats(0, 1)
TEXTS = st.lists(st.text(max_size=5), max_size=3)
LEFT = st.one_of(
    st.builds(PicturesAdded, added=WHOLE, known=WHOLE),
    st.builds(DuplicatesFound, threshold=st.none() | REAL, candidates=st.none() | WHOLE),
    st.builds(
        RoundSelected,
        label_column=st.text(max_size=5),
        strategy=st.text(max_size=5),
        selected=WHOLE,
        labels=WHOLE,
        classes=WHOLE,
        accuracy=st.none() | REAL,
        low=st.none() | REAL,
        high=st.none() | REAL,
        measured=WHOLE,
        measured_on=st.sampled_from(["test split", "held-out labels"]),
    ),
    st.builds(
        SplitMade,
        cluster_gap=st.none() | REAL,
        difference=st.dictionaries(st.text(max_size=5), st.none() | st.lists(REAL, max_size=3)),
        folds=st.none() | WHOLE,
    ),
    st.builds(
        TextsFiltered,
        texts=TEXTS,
        not_texts=TEXTS,
        classes=st.booleans(),
        tag=st.text(max_size=5),
        threshold=st.none() | REAL,
        scored=WHOLE,
        matched=WHOLE,
        histogram=st.just({"low": 0.0, "high": 1.0, "counts": [1, 2]}),
    ),
    st.builds(TagNamed, name=st.text(max_size=5), snapshot=WHOLE),
)


@given(LEFT, st.data())
def test_what_was_left_is_told(left, data):
    params, counts, request = {}, {}, {}
    for name, value in asdict(left).items():
        if name in left.options:
            data.draw(st.sampled_from([params, request]))[name] = value
            counts[name] = "not this"
        else:
            counts[name] = value
            params[name] = request[name] = "nor this"
    if isinstance(left, RoundSelected):
        params["round"] = True
    entry = Entry(left.verb, {**params, ASKED: {"verb": left.verb, "fields": request}}, counts)
    assert told(entry, type(left)) == left
    assert last([entry, Entry("undo")], type(left)) == left
    assert all(told(entry, kind) is None for kind in KINDS if kind.verb != left.verb)


def test_what_an_older_log_lacks_has_its_default():
    assert told(Entry("add"), PicturesAdded) == PicturesAdded(added=0, known=0)
    assert told(Entry("split", {"seed": 3}), SplitMade) == SplitMade()
    found = told(Entry("duplicates", {"threshold": "auto"}, {"threshold": 0.5}), DuplicatesFound)
    assert found == DuplicatesFound(threshold=0.5), "what it found goes before what was asked"


def test_what_every_version_wrote_is_required():
    with pytest.raises(DatasetError, match="entry of 'tag' has no 'snapshot'"):
        told(Entry("tag", {"name": "a"}), TagNamed)


@pytest.mark.parametrize(
    ("verb", "kind", "counts"),
    [
        ("add", PicturesAdded, {"added": "3"}),
        ("add", PicturesAdded, {"added": True}),
        ("add", PicturesAdded, {"added": 2.5}),
        ("split", SplitMade, {"difference": {"train": ["x"]}}),
        ("duplicates", DuplicatesFound, {"threshold": [0.5]}),
    ],
)
def test_a_value_of_another_kind_is_an_error_of_the_log(verb, kind, counts):
    with pytest.raises(DatasetError, match=f"entry of '{verb}' has"):
        told(Entry(verb, {}, counts), kind)


def test_a_selection_is_no_round_unless_it_says_so():
    assert told(Entry("select", {"strategy": "dpp"}, {"selected": 3}), RoundSelected) is None


def test_the_last_that_stands_is_told():
    first, second = Entry("add", {}, {"added": 1}), Entry("add", {}, {"added": 2}, "undone")
    assert last([first, second], PicturesAdded) == PicturesAdded(added=1)
    assert last([second], PicturesAdded) is None
    assert last([first, Entry("add", {}, {"added": 3}, "interrupted")], PicturesAdded).added == 3


def test_what_the_request_says_is_kept_once(tmp_path):
    store = Store.create(tmp_path / "d.tamis")
    request = Search(texts=["a cat"], k=5)
    found = {"texts": ["a cat"], "k": 5, "where": None, "encoder": "clip", "column": "v"}
    with store.operation("search", found, request=request) as operation:
        operation.counts["hits"] = 5
        operation.checkpoint()
    entry = store.log()[-1]
    asked = {"verb": "search", "fields": {"texts": ["a cat"], "k": 5}}
    assert entry.params == {"encoder": "clip", "column": "v", ASKED: asked}
    assert entry.options == {"texts": ["a cat"], "k": 5, "encoder": "clip", "column": "v"}


def test_what_came_of_an_option_goes_before_what_was_asked_and_old_names_are_read():
    asked = {"verb": "filter", "fields": {"threshold": "auto", "tag": "t"}}
    entry = Entry("filter", {"threshold": 0.5, "negatives": ["a dog"], ASKED: asked})
    assert options_of(entry) == {"threshold": 0.5, "tag": "t", "not_texts": ["a dog"]}

"""Samples that are removed: their keys, edits, differences and undo."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tamis.dataset.store import Store
from tamis.errors import UsageError


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "d.tamis")
    for names in ("abcd", "ef"):
        with store.operation("add") as op:
            op.insert(pa.table({"sample_id": list(names), "width": range(len(names))}))
    return store


def ids(store):
    return store.read(["sample_id"])["sample_id"].to_pylist()


def test_what_is_left_can_be_read_edited_and_compared(store):
    before = store.snapshot
    with store.operation("label remove") as op:
        op.remove_samples(["b", "e"])
        op.set_marks(["a", "f"], {"label": ["x", "y"]})
    assert ids(store) == ["a", "c", "d", "f"]
    assert store.read(["width"], ids=["f", "c"])["width"].to_pylist() == [1, 2]
    with pytest.raises(UsageError, match="not in the dataset"):
        store.read(["width"], ids=["b"])
    with store.operation("label set") as op:
        op.set_marks(["d", "a"], {"label": ["z", "w"]})
    assert store.read(["label"])["label"].to_pylist() == ["w", None, "z", "y"]
    diff = store.diff(before)
    assert (diff.added, diff.removed, dict(diff.changed)) == ([], ["b", "e"], {"label": 3})
    store.undo()
    store.undo()
    assert ids(store) == list("abcdef")
    assert store.read(["width"], ids=["b"])["width"].to_pylist() == [1]


def test_a_removed_sample_can_come_back_in_the_same_operation(store):
    with store.operation("label edit") as op:
        op.remove_samples(["a"])
        op.insert(pa.table({"sample_id": ["g"], "width": [9]}))
    with store.operation("label edit") as op:
        op.remove_samples(["g"])
        op.insert(pa.table({"sample_id": ["a"], "width": [8]}))
    assert ids(store) == ["b", "c", "d", "e", "f", "a"]
    assert store.read(["width"], ids=["a"])["width"].to_pylist() == [8]


def test_many_rounds_of_removal_survive_merging(store):
    for number in range(40):
        with store.operation("add") as op:
            op.insert(pa.table({"sample_id": [f"n{number:02}"], "width": [number]}))
            if number > 1:
                op.remove_samples([f"n{number - 2:02}"])
    assert ids(store) == [*"abcdef", "n38", "n39"]
    with store.operation("label set") as op:
        op.set_marks(["n39", "c"], {"label": ["x", "y"]})
    assert store.read(["label"], ids=["c", "n39"])["label"].to_pylist() == ["y", "x"]


def test_all_rows_of_a_fragment_may_go(store):
    with store.operation("label remove") as op:
        op.remove_samples(list("abcd"))
    assert ids(store) == ["e", "f"]
    with store.operation("label remove") as op:
        op.remove_samples(["e", "f"])
    assert ids(store) == []
    store.undo()
    assert ids(store) == ["e", "f"]


def test_collecting_garbage_keeps_what_any_state_needs(store):
    with store.operation("label remove") as op:
        op.remove_samples(["b", "e"])
    store.gc()
    assert ids(store) == ["a", "c", "d", "f"]
    store.undo()
    store.gc()
    assert ids(store) == list("abcdef")
    assert ids(Store.open(store.path, snapshot=store.snapshot - 1)) == ["a", "c", "d", "f"]
    store.redo()
    assert store.read(["width"], ids=["f"])["width"].to_pylist() == [1]

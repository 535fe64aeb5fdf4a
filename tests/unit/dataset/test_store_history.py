# ruff: noqa: PT012 - it is often leaving the operation's block that raises
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import (
    DIM,
    add_vectors,
    content,
    file_sizes,
    insert,
    sample_ids,
    sample_rows,
    sample_vectors,
)
from tamis.dataset.difference import Diff
from tamis.dataset.store import Store
from tamis.errors import ConflictError, UsageError
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable


def mark(store: Store, start: int, stop: int, label: str | None) -> None:
    with store.operation("label") as op:
        op.set_marks(
            sample_ids(start, stop), {"label": pa.array([label] * (stop - start), pa.string())}
        )


def fail(store: Store) -> None:
    with store.operation("add") as op:
        op.record_failures([Failure("x.jpg", "is empty", "pics")])


def select(store: Store) -> None:
    with store.operation("select") as op:
        op.set_marks(sample_ids(0, 2), {"selected": pa.array([True, False])})


def half_precision(store: Store) -> None:
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "0123456789", DIM, dtype="float16")
        op.set_vectors(column, sample_ids(0, 2), sample_vectors(0, 2))
        op.set_errors(column, sample_ids(2, 3), ["is empty"])


CHANGES: dict[str, Callable[[Store], object]] = {
    "insert": lambda store: insert(store, 100, 5000),
    "mark": lambda store: mark(store, 10, 40, "b"),
    "clear": lambda store: mark(store, 0, 100, None),
    "new mark": select,
    "vectors": lambda store: add_vectors(store, 20, 90),
    "new vector column": half_precision,
    "failures": fail,
}


@pytest.fixture
def filled(store: Store) -> Store:
    """A hundred samples, some with labels and vectors."""
    insert(store, 0, 100)
    mark(store, 0, 50, "a")
    add_vectors(store, 0, 30)
    return store


# Undo


@pytest.mark.parametrize("change", CHANGES)
def test_undo_is_exact(filled: Store, change: str) -> None:
    before = content(filled)
    CHANGES[change](filled)
    changed = content(filled)
    assert changed != before
    entry = filled.undo()
    assert content(filled) == before
    assert content(Store.open(filled.path)) == before
    assert entry.operation == filled.log()[-2].operation
    CHANGES[change](filled)
    assert without_times(content(filled)) == without_times(changed)


def without_times(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    return {**tables, "failed": tables["failed"].drop_columns(["time"])}


def test_undo_again_goes_one_further_back(filled: Store) -> None:
    states = [content(filled)]
    for change in CHANGES.values():
        change(filled)
        states.append(content(filled))
    for state in reversed(states[:-1]):
        filled.undo()
        assert content(filled) == state


def test_undo_then_change_then_undo_twice(filled: Store) -> None:
    base = content(filled)
    mark(filled, 0, 10, "b")
    between = content(filled)
    mark(filled, 0, 10, "c")
    filled.undo()
    assert content(filled) == between
    insert(filled, 100, 110)
    filled.undo()
    assert content(filled) == between
    assert filled.undo().params == {}
    assert content(filled) == base


def test_undo_takes_back_all_checkpoints_of_an_operation(filled: Store) -> None:
    before = content(filled)
    with filled.operation("add") as op:
        for start in range(100, 160, 20):
            op.insert(sample_rows(start, start + 20))
            op.checkpoint()
    assert filled.count() == 160
    filled.undo()
    assert content(filled) == before


def test_undo_of_an_interrupted_operation(filled: Store) -> None:
    before = content(filled)
    with pytest.raises(KeyError), filled.operation("add") as op:
        op.insert(sample_rows(100, 120))
        op.checkpoint()
        raise KeyError
    entry = filled.undo()
    assert (entry.verb, entry.state) == ("add", "interrupted")
    assert content(filled) == before
    assert [e.state for e in filled.log()][-2:] == ["undone", "done"]


def test_undo_of_merged_fragments_is_exact(store: Store) -> None:
    for start in range(0, 160, 10):
        insert(store, start, start + 10)
    before = content(store)
    fragments = len(store._state.samples.fragments())
    insert(store, 160, 170)
    assert len(store._state.samples.fragments()) < fragments
    store.undo()
    assert len(store._state.samples.fragments()) == fragments
    assert content(store) == before


def test_nothing_to_undo(store: Store) -> None:
    with pytest.raises(UsageError, match="nothing to undo"):
        store.undo()
    insert(store, 0, 3)
    store.undo()
    with pytest.raises(UsageError, match="nothing to undo"):
        store.undo()


def test_undo_passes_over_tags(filled: Store) -> None:
    mark(filled, 0, 10, "b")
    filled.tag("good")
    assert filled.undo().verb == "label"
    assert filled.count("label = 'b'") == 0
    assert Store.open(filled.path, snapshot="good").count("label = 'b'") == 10


def test_undo_refuses_what_still_runs(filled: Store) -> None:
    before = content(filled)
    with filled.operation("add") as op:
        op.insert(sample_rows(100, 110))
        op.checkpoint()
        with pytest.raises(ConflictError, match=r"operation 5 \(add\) still runs"):
            Store.open(filled.path).undo()
        op.insert(sample_rows(110, 120))
    assert filled.count() == 120
    filled.undo()
    assert content(filled) == before


def write_in_turns(store: Store) -> None:
    """Operation 5 (add) makes snapshots 5 and 7, operation 6 (label) makes 6."""
    with store.operation("add") as op:
        op.insert(sample_rows(100, 110))
        op.checkpoint()
        mark(Store.open(store.path), 0, 10, "b")
        op.insert(sample_rows(110, 120))


def test_undo_refuses_operations_that_wrote_in_turns(filled: Store) -> None:
    write_in_turns(filled)
    after = content(filled)
    with pytest.raises(
        UsageError,
        match=r"operation 5 \(add\) and 6 \(label\) wrote in turns.*undo to snapshot 4$",
    ):
        filled.undo()
    assert content(filled) == after


def test_undo_to_a_snapshot_takes_back_all_that_came_after(filled: Store) -> None:
    before = content(filled)
    write_in_turns(filled)
    select(filled)
    assert filled.undo(to=4).verb == "select"
    assert content(filled) == before
    assert [entry.state for entry in filled.log()][-4:] == ["undone", "undone", "undone", "done"]
    assert filled.undo().verb == "embed"


def test_undo_of_another_writers_part_leaves_a_running_operation_right(filled: Store) -> None:
    with filled.operation("add") as op:
        op.insert(sample_rows(100, 110))
        op.checkpoint()
        other = Store.open(filled.path)
        mark(other, 0, 10, "b")
        assert other.undo().verb == "label"
        op.insert(sample_rows(110, 120))
    assert filled.count() == 120
    assert filled.count("label = 'b'") == 0
    assert filled.undo().verb == "add"
    assert filled.count() == 100


@pytest.mark.parametrize("to", [0, 5, 99, -1])
def test_undo_to_a_snapshot_that_is_none_is_refused(filled: Store, to: int) -> None:
    insert(filled, 100, 101)
    with pytest.raises(UsageError, match=f"cannot undo to snapshot {to}: .*: 1, 2, 3, 4$"):
        filled.undo(to=to)


def test_undo_to_an_undone_snapshot_is_refused(filled: Store) -> None:
    insert(filled, 100, 101)
    filled.undo()
    with pytest.raises(UsageError, match="cannot undo to snapshot 5"):
        filled.undo(to=5)


def test_undo_writes_no_data(filled: Store) -> None:
    mark(filled, 0, 100, "b")
    before = file_sizes(filled.path)
    filled.undo()
    new = {file: size for file, size in file_sizes(filled.path).items() if file not in before}
    assert sum(new.values()) < 10_000
    assert not any(file.parent.name == "data" for file in new)


# Diff


def test_diff_names_what_was_added_removed_and_changed(filled: Store) -> None:
    start = filled.snapshot
    insert(filled, 100, 103)
    mark(filled, 40, 60, "z")
    select(filled)
    filled.tag("end")
    expected = Diff(sample_ids(100, 103), [], {"label": 20, "selected": 2})
    assert filled.diff(start) == expected
    assert filled.diff(start, "end") == expected
    assert filled.diff(str(start), "end") == expected
    assert filled.diff("end", start) == Diff([], sample_ids(100, 103), expected.changed)
    assert filled.diff("end", "end") == Diff([], [], {})


def test_diff_counts_values_not_writes(filled: Store) -> None:
    start = filled.snapshot
    mark(filled, 0, 50, "a")
    assert filled.diff(start).changed == {}
    mark(filled, 49, 52, "a")
    assert filled.diff(start).changed == {"label": 2}


def test_diff_of_vectors_errors_and_tags(filled: Store) -> None:
    start = filled.snapshot
    column = filled.vector_columns()[0].name
    moved = sample_vectors(28, 33)
    moved[1] += 1
    with filled.operation("embed") as op:
        op.set_vectors(column, sample_ids(28, 33), moved)
        op.set_errors(column, sample_ids(90, 91), ["is empty"])
        op.set_marks(sample_ids(0, 2), {"tags": [["a"], None]})
        op.set_marks(sample_ids(0, 2), {"score": pa.array([np.nan, 1.0])})
    assert filled.diff(start).changed == {
        column: 4,
        filled.vector_columns()[0].error_column: 1,
        "tags": 1,
        "score": 2,
    }
    middle = filled.snapshot
    with filled.operation("mark") as op:
        op.set_marks(sample_ids(0, 2), {"tags": [["a"], ["b"]], "score": pa.array([np.nan, 2.0])})
    assert filled.diff(middle).changed == {"tags": 1, "score": 1}


def test_diff_across_merged_fragments(store: Store) -> None:
    for start in range(0, 160, 10):
        insert(store, start, start + 10)
    start = store.snapshot
    insert(store, 160, 170)
    mark(store, 5, 7, "a")
    assert store.diff(start) == Diff(sample_ids(160, 170), [], {"label": 2})


def test_diff_of_a_mark_made_anew_with_another_type(filled: Store) -> None:
    select(filled)
    start = filled.snapshot
    filled.undo()
    with filled.operation("select") as op:
        op.set_marks(sample_ids(1, 3), {"selected": ["yes", "no"]})
    assert filled.diff(start).changed == {"selected": 3}


def test_diff_of_an_unknown_snapshot(store: Store) -> None:
    with pytest.raises(UsageError, match=r"no snapshot 9 in .*; they go from 1 to 1"):
        store.diff(1, 9)
    with pytest.raises(UsageError, match=r"no tag 'v1' in .*; there are: none"):
        store.diff("v1")


# Tags


def test_a_tag_names_what_the_store_sees(filled: Store) -> None:
    reader = Store.open(filled.path)
    insert(filled, 100, 110)
    reader.tag("before-more")
    tagged = Store.open(filled.path, snapshot="before-more")
    assert (tagged.count(), tagged.snapshot) == (100, 4)
    older = Store.open(filled.path, snapshot=2)
    older.tag("v1.0")
    assert older.snapshot == 2
    assert Store.open(filled.path, snapshot="v1.0").count("label IS NOT NULL") == 0
    filled.refresh()
    assert filled.count() == 110


@pytest.mark.parametrize("name", ["", "12", "a b", "-x", "a/b", "é"])
def test_names_that_cannot_be_tags(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name!r} cannot be a tag"):
        store.tag(name)


def test_a_tag_is_given_once(store: Store) -> None:
    store.tag("v1")
    insert(store, 0, 3)
    with pytest.raises(UsageError, match="tag 'v1' is taken: it names snapshot 1"):
        store.tag("v1")
    with pytest.raises(UsageError, match=r"no tag 'v2' in .*; there are: v1"):
        Store.open(store.path, snapshot="v2")


# Log


def test_the_log_tells_everything_newest_last(filled: Store) -> None:
    filled.tag("v1")
    filled.undo()
    told = [(e.operation, e.verb, e.state, e.before, e.snapshot) for e in filled.log()]
    assert told == [
        (1, "create", "done", 0, 1),
        (2, "add", "done", 1, 2),
        (3, "label", "done", 2, 3),
        (4, "embed", "undone", 3, 4),
        (5, "tag", "done", 4, 5),
        (6, "undo", "done", 5, 6),
    ]
    assert filled.log()[4].params == {"name": "v1", "snapshot": 4}
    assert filled.log()[5].params == {"operations": [4]}


def test_hundreds_of_checkpoints_stay_fast_and_small(store: Store) -> None:
    with store.operation("add") as op:
        for start in range(0, 600, 3):
            op.insert(sample_rows(start, start + 3))
            op.checkpoint()
    assert store.snapshot == 202
    assert len(store.log()) == 2
    versions = store.path / "samples.lance" / "_versions"
    assert sum(file_sizes(versions).values()) < 200 * 12_000
    assert Store.open(store.path, snapshot=101).count() == 300
    store.undo()
    assert store.count() == 0

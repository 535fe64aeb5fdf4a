"""Old states that are let go: what stays readable, what is said of the rest, and kills between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_rows import add_vectors, content, file_sizes, insert
from tamis.dataset import writer as writer_module
from tamis.dataset.layout import DESCRIPTION
from tamis.dataset.pruning import KEPT_OPERATIONS, as_ranges
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage
from tamis.errors import UsageError


@pytest.fixture
def worked_on(store: Store) -> tuple[Store, dict[int, object]]:
    """A dataset of twenty operations that rewrite what is there, and the content of each state."""
    insert(store, 0, 50)
    states: dict[int, object] = {store.snapshot: content(store)}
    ids = store.read(["sample_id"]).column("sample_id").to_pylist()
    for turn in range(20):
        with store.operation("label") as operation:
            operation.set_marks(ids, {"label": [f"{turn}-{name}" for name in ids]})
        if turn == 2:
            store.tag("kept")
            states[store.snapshot - 1] = content(store)
        states[store.snapshot] = content(store)
    return store, states


def tables_of(store: Store) -> dict[str, int]:
    files = (file for file in store.path.glob("*.lance/**/*") if file.is_file())
    return {str(file): file.stat().st_size for file in files}


def test_nothing_of_the_last_days_goes(worked_on: tuple[Store, dict[int, object]]) -> None:
    store, _ = worked_on
    before = file_sizes(store.path)
    assert store.prunable(1)[0] == []
    gone, freed = store.prune(1)
    assert gone == []
    assert freed.files == 0
    assert file_sizes(store.path) == before
    assert store.log()[-1].verb == "label"


def test_what_stays_is_what_is_promised(worked_on: tuple[Store, dict[int, object]]) -> None:
    store, states = worked_on
    told = store.prunable(0)
    before = tables_of(store)
    gone, freed = store.prune(0)
    assert (gone, freed) == told
    after = tables_of(store)
    removed = before.keys() - after.keys()
    assert (freed.files, freed.bytes) == (len(removed), sum(before[name] for name in removed))
    assert removed
    assert after.keys() < before.keys()
    head = store.snapshot
    assert store.log()[-1].verb == "prune"
    kept = {5, 6, *range(head - 1 - KEPT_OPERATIONS, head + 1)}
    for number in range(1, head + 1):
        if number in kept:
            assert content(Store.open(store.path, snapshot=number)) == states.get(
                number, states[5 if number == 6 else head - 1]
            )
        else:
            assert number in gone
            with pytest.raises(UsageError, match=rf"data of snapshot {number} were pruned"):
                Store.open(store.path, snapshot=number)
    assert content(Store.open(store.path, snapshot="kept")) == states[5]
    assert find_damage(store.path) == []


def test_what_is_gone_is_not_counted_twice(worked_on: tuple[Store, dict[int, object]]) -> None:
    store, _ = worked_on
    store.prune(0)
    assert store.prune(0)[1].files == 0
    assert store.gc().files == 0


def test_ten_operations_can_be_undone_and_no_more(
    worked_on: tuple[Store, dict[int, object]],
) -> None:
    store, states = worked_on
    last = store.snapshot
    store.prune(0)
    for turn in range(1, KEPT_OPERATIONS + 1):
        store.undo()
        assert content(store) == states[last - turn]
    with pytest.raises(UsageError, match="were pruned"):
        store.undo()
    with pytest.raises(UsageError, match="were pruned"):
        store.checkout(3)
    with pytest.raises(UsageError, match="were pruned"):
        store.diff(3)
    assert store.checkout("kept") == 5
    assert content(store) == states[5]


def test_states_that_share_tables_with_a_kept_one_stay_readable(store: Store) -> None:
    insert(store, 0, 10)
    for name in "abcdefghijklmno":
        store.tag(name)
    store.prune(0)
    assert Store.open(store.path, snapshot=2).count() == 10


def test_a_kill_before_files_go_loses_nothing_and_cleaning_goes_on(
    worked_on: tuple[Store, dict[int, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, states = worked_on
    expected = store.prunable(0)[1]
    last = store.snapshot

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writer_module, "remove_orphans", killed)
        with pytest.raises(KeyboardInterrupt):
            store.prune(0)
    again = Store.open(store.path)
    assert find_damage(store.path) == []
    assert content(again) == states[last]
    assert again.gc().bytes == expected.bytes


def test_earlier_versions_are_told_that_they_are_too_old(
    worked_on: tuple[Store, dict[int, object]],
) -> None:
    store, _ = worked_on
    assert '"format": 1' in (store.path / DESCRIPTION).read_text()
    store.prune(0)
    assert '"format": 3' in (store.path / DESCRIPTION).read_text()


def test_work_goes_on_after_pruning(worked_on: tuple[Store, dict[int, object]]) -> None:
    store, _ = worked_on
    store.prune(0)
    insert(store, 50, 60)
    add_vectors(store, 0, 60)
    assert store.count() == 60
    store.undo()
    store.redo()
    assert store.prunable(0)[1].files > 0
    store.prune(0)
    assert find_damage(store.path) == []


def test_days_are_counted_from_when_a_state_was_left(
    worked_on: tuple[Store, dict[int, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = worked_on

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            assert tz is UTC
            return datetime.now(UTC) + timedelta(days=8)

    monkeypatch.setattr(writer_module, "datetime", Later)
    assert store.prunable(9)[0] == []
    assert store.prunable(7)[0] != []


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_the_same_numbers(numbers: set[int]) -> None:
    runs = as_ranges(sorted(numbers))
    assert {n for first, last in runs for n in range(first, last + 1)} == numbers
    assert all(b[0] > a[1] + 1 for a, b in pairwise(runs))

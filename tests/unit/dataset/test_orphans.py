from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sample_rows import add_vectors, content, file_sizes, insert, sample_rows
from tamis.dataset.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_clean_dataset_has_no_orphans(store: Store) -> None:
    insert(store, 0, 10)
    add_vectors(store, 0, 10)
    store.undo()
    before = file_sizes(store.path)
    freed = store.gc()
    assert (freed.files, freed.bytes) == (0, 0)
    assert file_sizes(store.path).keys() == before.keys()


@pytest.mark.parametrize(
    "orphan",
    [
        "samples.lance/data/stray.lance",
        "samples.lance/_versions/stray.tmp",
        "failed.lance/_transactions/9-stray.txn",
        "samples.lance/_indices/stray/index.idx",
        "log/.00000009.json.123.tmp",
        "running/00000009.lock",
    ],
)
def test_what_killed_writers_left_is_removed_and_counted(store: Store, orphan: str) -> None:
    insert(store, 0, 10)
    before = content(store)
    file = store.path / orphan
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * 1000)
    freed = store.gc()
    assert (freed.files, freed.bytes) == (1, 1000)
    assert not file.exists()
    assert content(Store.open(store.path)) == before


def test_files_that_are_not_the_datasets_are_left(store: Store) -> None:
    mine: list[Path] = [store.path / "notes.txt", store.path / "samples.lance" / "notes.txt"]
    for file in mine:
        file.write_text("mine")
    assert store.gc().files == 0
    assert all(file.read_text() == "mine" for file in mine)


def test_cleaning_beside_a_running_operation_takes_nothing_from_it(store: Store) -> None:
    other = Store.open(store.path)
    with store.operation("add") as op:
        op.insert(sample_rows(0, 10))
        op.checkpoint()
        op.insert(sample_rows(10, 20))
        assert other.gc().files == 0
        assert other.log()[-1].state == "running"
    assert store.count() == 20


def test_older_snapshots_survive_cleaning(store: Store) -> None:
    states = []
    for start in range(0, 200, 10):
        insert(store, start, start + 10)
        states.append(content(store))
    store.undo(to=5)
    store.gc()
    for snapshot, state in enumerate(states, start=2):
        assert content(Store.open(store.path, snapshot=snapshot)) == state

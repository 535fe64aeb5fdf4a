from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sample_rows import file_sizes, insert, sample_rows
from tamis.dataset.snapshots import Snapshot, SnapshotChain
from tamis.dataset.storage import LocalStorage
from tamis.errors import ConflictError, DatasetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store

FIRST = Snapshot(
    snapshot=1,
    operation=1,
    verb="add",
    params={"source": ["a \udcff b", "ü"]},
    seed=7,
    counts={"added": 3},
    state="running",
    before={"samples": 1, "failed": 1},
    after={"samples": 2, "failed": 1},
    undone=(4, 5),
)


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    chain = SnapshotChain(LocalStorage(tmp_path))
    chain.append(FIRST)
    chain.append(replace(FIRST, snapshot=12))
    assert chain.numbers() == [1, 12]
    assert chain.read(1) == FIRST
    assert chain.head() == replace(FIRST, snapshot=12)
    assert chain.all() == [FIRST, replace(FIRST, snapshot=12)]


def test_a_number_is_given_once(tmp_path: Path) -> None:
    chain = SnapshotChain(LocalStorage(tmp_path))
    chain.append(FIRST)
    with pytest.raises(ConflictError, match="another writer made snapshot 1 of"):
        chain.append(replace(FIRST, verb="other"))
    assert chain.read(1) == FIRST
    assert [file.name for file in tmp_path.iterdir()] == ["00000001.json"]


def test_unfinished_files_are_no_snapshots(tmp_path: Path) -> None:
    chain = SnapshotChain(LocalStorage(tmp_path))
    chain.append(FIRST)
    draft = tmp_path / ".00000002.json.99.tmp"
    draft.write_text("{")
    assert chain.numbers() == [1]
    assert LocalStorage(tmp_path).drafts() == [draft.name]


def test_a_chain_without_snapshots_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no snapshot: it is damaged"):
        SnapshotChain(LocalStorage(tmp_path)).head()


def test_an_unknown_number_is_refused(tmp_path: Path) -> None:
    chain = SnapshotChain(LocalStorage(tmp_path))
    chain.append(FIRST)
    with pytest.raises(UsageError, match="no snapshot 2 in"):
        chain.read(2)


def test_all_that_a_snapshot_names_is_on_disk_before_it_is_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(store, 0, 3)
    before = file_sizes(store.path)
    synced: set[int] = set()
    at_link: list[set[int]] = []
    link = os.link

    def record(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)

    def link_and_look(*paths: Path) -> None:
        at_link.append(set(synced))
        link(*paths)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "link", link_and_look)
    with store.operation("add") as op:
        op.insert(sample_rows(3, 6))
        op.set_marks(["0" * 32], {"label": ["a"]})
    new = file_sizes(store.path).keys() - before.keys()
    needed = {f for f in new if f.suffix in (".lance", ".manifest", ".json")}
    assert len(needed) >= 4
    folders = {file.parent for file in needed} | {store.path / "samples.lance"}
    (until_link,) = at_link
    assert {file.stat().st_ino for file in needed} <= until_link
    assert {folder.stat().st_ino for folder in folders} <= synced

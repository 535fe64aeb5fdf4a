"""Files that appear whole or not at all."""

from __future__ import annotations

import pytest

from sample_rows import insert, sample_id, sample_rows
from tamis.dataset import durability
from tamis.dataset.durability import replace_file
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.store import Store
from tamis.errors import StorageError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    file = tmp_path / "new" / "state.json"
    replace_file(file, b"old")
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]


def test_what_was_there_stays_where_the_disk_refuses(tmp_path, monkeypatch):
    file = tmp_path / "state.json"
    replace_file(file, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*state\.json: no space left on device"):
        replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_every_manifest_is_on_disk_before_a_snapshot_names_the_last(tmp_path, monkeypatch):
    """Also those of the steps between: a torn one would hide the table's files from listing."""
    store = Store.create(tmp_path / "birds.tamis")
    insert(store, 0, 10)
    manifests = store.path / "samples.lance" / "_versions"
    before = set(manifests.glob("*.manifest"))
    synced, there = set(), []
    sync, append = durability.sync, SnapshotChain.append

    def seen(path):
        synced.add(path)
        sync(path)

    def named(chain, snapshot):
        there.append(set(manifests.glob("*.manifest")))
        append(chain, snapshot)

    monkeypatch.setattr(durability, "sync", seen)
    monkeypatch.setattr(SnapshotChain, "append", named)
    with store.operation("mix") as op:
        op.insert(sample_rows(10, 20))
        op.set_marks([sample_id(1)], {"label": ["owl"]})
    [present] = there
    assert len(present - before) > 1  # several steps, or this shows nothing
    assert present - before <= synced

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import sample_id, sample_ids, sample_rows
from tamis.dataset.checksums import file_checksum
from tamis.dataset.consistency import find_disagreements, log_breaks
from tamis.dataset.layout import Layout
from tamis.dataset.repair import repair
from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.store import Store
from tamis.dataset.wholeness import find_damage, named_files
from tamis.errors import DatasetError

TIME = pa.timestamp("us", tz="UTC")
COLUMN_SPEC = ("test:vectors", "ab" * 16, 4)


@pytest.fixture
def store(tmp_path):
    """Six samples with vectors of length 1, one box each."""
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(sample_rows(0, 6))
        column = op.add_vector_column(*COLUMN_SPEC)
        op.set_vectors(column, sample_ids(0, 6), np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]])
    with store.operation("label") as op:
        op.set_marks([sample_id(2)], {"label": ["owl"]})
        op.add_annotations(annotations(range(6)))
    return store


def annotations(numbers):
    return pa.table(
        {
            "annotation_id": [f"{number:032x}" for number in numbers],
            "sample_id": [sample_id(number) for number in numbers],
            "layer": ["label"] * len(numbers),
            "kind": ["class"] * len(numbers),
            "time": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * len(numbers), TIME),
        }
    )


def column_of(store):
    return store.vector_columns()[0].name


def vectors_file(store):
    ((_, file),) = store.data_files()[column_of(store)]
    return store.path / "samples.lance" / "data" / file


def flip(file, at=-1, bit=1):
    data = bytearray(file.read_bytes())
    data[at if at >= 0 else len(data) // 2] ^= bit
    file.write_bytes(data)


def test_every_file_that_is_named_has_its_checksum(store):
    store.undo()
    store.redo()
    store.tag("first")
    layout = Layout(store.path)
    snapshots = SnapshotChain(layout.log).all()
    sums, damaged = layout.checksums.known()
    named = named_files(layout, snapshots)
    assert damaged == []
    assert set(named) <= set(sums)
    assert {file: sums[file] for file in named} == {
        file: file_checksum(store.path / file) for file in named
    }
    assert find_damage(store.path) == []


def test_a_bit_that_flips_in_any_file_is_found(store):
    layout = Layout(store.path)
    named = named_files(layout, SnapshotChain(layout.log).all())
    unnoticed = []
    for name in named:
        file = store.path / name
        data = file.read_bytes()
        for at in range(0, len(data), max(len(data) // 5, 1)):
            flip(file, at)
            if not find_damage(store.path):
                unnoticed.append((name, at))
            file.write_bytes(data)
    assert unnoticed == []
    assert find_damage(store.path) == []


def test_a_killed_writer_leaves_a_checksum_that_the_next_replaces(store, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(SnapshotChain, "append", _no_more)
        with pytest.raises(KeyboardInterrupt), store.operation("label") as op:
            op.set_marks([sample_id(1)], {"label": ["wren"]})
    with store.operation("label") as op:
        op.set_marks([sample_id(1)], {"label": ["robin"]})
    assert find_damage(store.path) == []


def _no_more(*_):
    raise KeyboardInterrupt


def test_vectors_whose_bits_flipped_are_cleared_and_undo_brings_them_back(store):
    flip(vectors_file(store), at=20)
    assert [place for place, _ in find_damage(store.path)] == [str(vectors_file(store))]
    before = store.snapshot
    said = repair(store)
    assert any("6 vectors" in sentence for sentence in said)
    fresh = Store.open(store.path)
    assert fresh.vectors(column_of(store))[0] == []
    assert fresh.log()[-1].verb == "check"
    assert fresh.read(["label"]).num_rows == 6
    fresh.undo()
    assert len(fresh.vectors(column_of(store))[0]) == 6
    assert before < fresh.snapshot


@pytest.mark.parametrize(("value", "found"), [(0.5, 0), (0.0, 1), (0.501, 1), (2.0, 1)])
def test_vectors_not_of_length_1_are_cleared(store, value, found):
    with store.operation("embed") as op:
        op.set_vectors(column_of(store), [sample_id(3)], np.full((1, 4), value, np.float32))
    wrong = [one.ids for one in find_disagreements(store) if one.kind == "vectors"]
    assert wrong == [(sample_id(3),)] * found
    repair(store)
    assert find_disagreements(store) == []
    assert len(store.vectors(column_of(store))[0]) == 6 - found


def test_vectors_that_are_not_finite_are_found(store, monkeypatch):
    column = column_of(store)
    batches = Store.batches

    def damaged(self, columns, where=None):
        for batch in batches(self, columns, where):
            if column not in columns:
                yield batch
                continue
            values = batch.column(column).flatten().to_numpy().copy()
            values[0] = np.nan
            values[5] = np.inf
            array = pa.FixedSizeListArray.from_arrays(pa.array(values), 4)
            yield batch.set_column(1, column, array)

    monkeypatch.setattr(Store, "batches", damaged)
    (found,) = find_disagreements(store)
    assert found.ids == tuple(sample_ids(0, 2))


def test_annotations_of_no_sample_are_removed(store):
    with store.operation("undone elsewhere") as op:
        op.remove_samples([sample_id(5)])
    (found,) = find_disagreements(store)
    assert (found.kind, found.ids) == ("annotations", (f"{5:032x}",))
    repair(store)
    assert find_disagreements(store) == []
    assert store.annotations(where="kind <> 'classification'").num_rows == 5


def test_samples_and_annotations_that_are_there_twice_are_named(store):
    state = store._state
    doubled = {
        name: table.append(table.read(table.schema.names).slice(0, 2))
        for name, table in state.tables.items()
        if name in ("samples", "annotations")
    }
    store._state = replace(state, **doubled)
    found = {one.kind: one.ids for one in find_disagreements(store)}
    assert found == {
        "keys": tuple(sample_ids(0, 2)),
        "annotations": (f"{0:032x}", f"{1:032x}"),
    }


def test_a_log_that_does_not_follow_is_said(store):
    snapshots = SnapshotChain(Layout(store.path).log).all()
    assert list(log_breaks(snapshots)) == []
    assert list(log_breaks([snapshots[0], snapshots[2]])) == []
    assert any("older version" in said for said in log_breaks(snapshots[::-1]))
    file = store.path / "log" / "00000003.json"
    told = json.loads(file.read_text())
    told["before"]["samples"] += 5
    file.write_text(json.dumps(told))
    assert any("follows" in reason for _, reason in find_damage(store.path))


@pytest.mark.parametrize("data", [None, b"", b"[]", b'{"a": 1}', b"\xff"])
def test_a_record_of_checksums_that_is_damaged_or_lost_is_said_and_mended(store, data):
    record = store.path / "checksums" / "00000002.json"
    record.unlink() if data is None else record.write_bytes(data)
    ((place, reason),) = find_damage(store.path)
    assert place == str(record)
    assert "would not be noticed" in reason
    repair(store)
    assert find_damage(store.path) == []


def test_files_of_an_earlier_version_get_their_checksums(store):
    for file in (store.path / "checksums").iterdir():
        file.unlink()
    assert find_damage(store.path) == []
    assert any("checksums kept" in sentence for sentence in repair(store))
    flip(vectors_file(store), at=20)
    assert find_damage(store.path) != []


@pytest.mark.parametrize("address", ["s3://line3/d.tamis", "gs://line3/a/d.tamis"])
def test_a_dataset_is_not_opened_or_made_at_a_store(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    for create in (True, False):
        with pytest.raises(DatasetError, match=f"tamis pull {address} -d d.tamis"):
            Store.open(address, create=create)
    assert list(tmp_path.iterdir()) == []


def test_a_repair_of_what_is_whole_changes_nothing(store):
    before = store.snapshot
    assert repair(store) == []
    assert Store.open(store.path).snapshot == before

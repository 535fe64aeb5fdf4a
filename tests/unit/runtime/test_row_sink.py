"""The one writer: order, checkpoints, what an error leaves, another writer in the way."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tamis.dataset.operation import Operation
from tamis.dataset.store import Store
from tamis.errors import ConflictError, StorageError
from tamis.runtime.row_sink import Rows, RowSink
from tamis.types import Failure

SPEC = ("test:two", "a" * 32, 2)


def row(number, **more):
    return {"sample_id": f"{number:032x}", "path": f"{number}.png", **more}


def vector(number):
    return np.float32([[np.cos(number), np.sin(number)]])


def add(store, count, error=None, **options):
    """Add rows, and then go wrong if there is an error."""
    with store.operation("add") as operation, RowSink(store, operation, **options) as sink:
        for number in range(count):
            sink.take(Rows([row(number)]))
        if error is not None:
            raise error


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "d.tamis")


@pytest.mark.parametrize("checkpoint_rows", [1, 3, 100])
def test_rows_and_vectors_are_written_in_order_whatever_the_checkpoints(store, checkpoint_rows):
    with store.operation("add") as operation:
        column = operation.add_vector_column(*SPEC)
        with RowSink(store, operation, column=column, checkpoint_rows=checkpoint_rows) as sink:
            for number in range(10):
                sample = row(number)
                sink.take(Rows([sample], ids=[sample["sample_id"]], vectors=vector(number)))
            sink.take(Rows(failures=[Failure("bad.png", "is damaged", "x")], counts={"failed": 1}))
            sink.take(Rows(known=4))
    assert store.read(["path"])["path"].to_pylist() == [f"{number}.png" for number in range(10)]
    np.testing.assert_array_equal(
        store.vectors(column)[1], np.concatenate([vector(number) for number in range(10)])
    )
    assert store.failures()["path"].to_pylist() == ["bad.png"]
    entry = store.log()[-1]
    assert (entry.state, entry.counts) == ("done", {"added": 10, "known": 4, "failed": 1})


def test_marks_fill_only_what_is_empty_and_errors_are_kept_and_cleared(store):
    with store.operation("add") as operation:
        column = operation.add_vector_column(*SPEC)
        with RowSink(store, operation, column=column) as sink:
            sink.take(Rows([row(1, label="by hand"), row(2)]))
            sink.checkpoint()
            names = [f"{number:032x}" for number in (1, 2)]
            sink.take(Rows(marks={name: {"label": "cat", "split": "train"} for name in names}))
            sink.take(Rows(errors=dict.fromkeys(names, "no vector")))
            sink.checkpoint()
            sink.take(Rows(errors={names[0]: None}))
    known = store.read(["label", "split", store.vector_columns()[0].error_column]).to_pylist()
    assert [tuple(each.values()) for each in known] == [
        ("by hand", "train", None),
        ("cat", "train", "no vector"),
    ]


def test_rows_of_frames_and_parts_bring_their_columns(store):
    with store.operation("add") as operation, RowSink(store, operation) as sink:
        sink.take(Rows([row(1), row(2, video="/a.mp4", frame=7, seconds=0.5)]))
        sink.checkpoint()
        sink.take(Rows([row(3, kind="tile", parent_id="x", box_x=1)]))
    table = store.read(["frame", "kind", "box_x"]).to_pylist()
    assert [tuple(each.values()) for each in table] == [
        (None, None, None),
        (7, None, None),
        (None, "tile", 1),
    ]


def test_an_error_keeps_what_was_committed_and_drops_the_rest(store):
    with pytest.raises(KeyboardInterrupt):
        add(store, 5, KeyboardInterrupt(), checkpoint_rows=2)
    assert Store.open(store.path).count() == 4


def test_work_goes_on_while_one_checkpoint_is_written_and_no_more(store, monkeypatch):
    commit, may_commit = Operation.checkpoint, threading.Event()
    monkeypatch.setattr(Operation, "checkpoint", lambda self: (may_commit.wait(60), commit(self)))
    with store.operation("add") as operation, RowSink(store, operation, checkpoint_rows=1) as sink:
        sink.take(Rows([row(1)]))
        assert sink.is_writing
        second = threading.Thread(target=sink.take, args=(Rows([row(2)]),))
        second.start()
        second.join(0.2)
        assert second.is_alive()
        may_commit.set()
        second.join(60)
    assert store.count() == 2


def test_what_surrounds_a_checkpoint_is_done_in_its_order(store):
    done = []
    with store.operation("add") as operation, RowSink(store, operation) as sink:
        sink.take(Rows([row(1)]))
        assert len(sink) == 1
        sink.checkpoint(
            before=lambda: done.append(Store.open(store.path).count()),
            after=lambda: done.append(Store.open(store.path).count()),
        )
        sink.wait()
    assert done == [0, 1]


@pytest.mark.parametrize(("tries", "works"), [(2, False), (3, True)])
def test_another_writer_in_the_way_is_waited_for(store, monkeypatch, tries, works):
    commit, calls = Operation.checkpoint, []

    def busy(self):
        calls.append(1)
        if len(calls) < 3:
            raise ConflictError("another writer is busy")
        commit(self)

    monkeypatch.setattr(Operation, "checkpoint", busy)
    with store.operation("add") as operation, RowSink(store, operation, tries=tries) as sink:
        sink.take(Rows([row(1)]))
        sink.checkpoint()
        if works:
            sink.wait()
        else:
            with pytest.raises(ConflictError):
                sink.wait()
    assert len(calls) == min(tries, 3)
    assert store.count() == 1


def test_a_disk_that_refuses_is_told_at_the_next_checkpoint(store, monkeypatch):
    def refuse(_operation):
        raise StorageError("the disk is full")

    monkeypatch.setattr(Operation, "checkpoint", refuse)
    with pytest.raises(StorageError, match="full"):
        add(store, 2, checkpoint_rows=1)
    assert Store.open(store.path).count() == 0

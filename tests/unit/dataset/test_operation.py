# ruff: noqa: PT012 - it is often leaving the operation's block that raises
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import (
    DIM,
    add_vectors,
    content,
    file_sizes,
    insert,
    sample_id,
    sample_ids,
    sample_rows,
    sample_vectors,
)
from tamis.dataset.operation import Inserted
from tamis.dataset.store import Store
from tamis.errors import ConflictError, UsageError
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable


# Rows


def test_inserting_again_adds_nothing(store: Store) -> None:
    insert(store, 0, 10)
    before = content(store)
    with store.operation("add") as op:
        assert op.insert(sample_rows(0, 10)) == Inserted(added=0, known=10)
    assert content(store) == before
    assert store.log()[-1].counts == {"added": 0, "known": 10}


def test_keys_that_repeat_are_stored_once_and_the_first_row_counts(store: Store) -> None:
    rows = pa.table({"sample_id": ["a", "b", "a"], "width": pa.array([1, 2, 3], pa.int32())})
    with store.operation("add") as op:
        assert op.insert(rows) == Inserted(added=2, known=1)
        assert op.insert(rows) == Inserted(added=0, known=3)
        op.checkpoint()
        assert op.insert(rows) == Inserted(added=0, known=3)
    assert store.read(["sample_id", "width"]).to_pylist() == [
        {"sample_id": "a", "width": 1},
        {"sample_id": "b", "width": 2},
    ]
    assert op.counts == {"added": 2, "known": 7}


def test_what_another_writer_added_meanwhile_is_known_at_the_checkpoint(store: Store) -> None:
    with store.operation("add") as op:
        assert op.insert(sample_rows(0, 10)) == Inserted(added=10, known=0)
        insert(Store.open(store.path), 5, 20)
    assert sorted(store.read(["width"])["width"].to_pylist()) == list(range(20))
    assert op.counts == {"added": 5, "known": 5}
    assert store.log()[-1].counts == {"added": 5, "known": 5}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"sample_id": ["a"], "colour": ["red"]}, "unknown columns colour; known: sample_id"),
        ({"width": pa.array([1], pa.int32())}, "lack the required columns sample_id"),
        ({"sample_id": pa.array([None], pa.string())}, "1 rows have no sample_id"),
        ({"sample_id": ["a"], "width": ["wide"]}, "'width' has type string, it has to be int32"),
    ],
)
def test_rows_that_do_not_fit_are_refused(store: Store, rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message), store.operation("add") as op:
        op.insert(pa.table(rows))
    assert store.count() == 0


def test_types_that_can_be_cast_are(store: Store) -> None:
    rows = {"sample_id": pa.array(["a"], pa.large_string()), "width": pa.array([7], pa.int64())}
    with store.operation("add") as op:
        op.insert(pa.table(rows))
    assert store.read(["width"])["width"].to_pylist() == [7]


def test_rows_of_different_columns_go_together(store: Store) -> None:
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["a"], "width": pa.array([1], pa.int32())}))
        op.insert(pa.table({"sample_id": ["b"], "camera": ["X100"]}))
    assert store.read(["sample_id", "width", "camera"]).to_pylist() == [
        {"sample_id": "a", "width": 1, "camera": None},
        {"sample_id": "b", "width": None, "camera": "X100"},
    ]


def test_fragments_are_bounded(store: Store) -> None:
    insert(store, 0, 10_000)
    assert [part.rows for part in store._state.samples.fragments()] == [4096, 4096, 1808]


def test_many_small_additions_make_few_fragments_and_keep_their_order(store: Store) -> None:
    insert(store, 0, 5000)
    column = add_vectors(store, 0, 5000)
    with store.operation("add") as op:
        for start in range(5000, 5300, 3):
            op.insert(sample_rows(start, start + 3))
            op.set_vectors(column, sample_ids(start, start + 2), sample_vectors(start, start + 2))
            op.checkpoint()
    assert len(store._state.samples.fragments()) < 40
    assert store.read(["width"])["width"].to_pylist() == list(range(5300))
    ids, vectors = store.vectors(column)
    assert ids == [i for i in sample_ids(0, 5300) if int(i, 16) < 5000 or int(i, 16) % 3 != 1]
    assert np.array_equal(vectors[-2:], sample_vectors(5297, 5299))


def test_merging_leaves_small_fragments_amid_large_ones_in_their_place(store: Store) -> None:
    insert(store, 0, 10)
    insert(store, 10, 5000)
    for start in range(5000, 5170, 10):
        insert(store, start, start + 10)
    fragments = [part.rows for part in store._state.samples.fragments()]
    assert fragments == [10, 4096, 894, 160, 10]
    assert store.read(["width"])["width"].to_pylist() == list(range(5170))


# Failures


def test_a_failure_is_stored_once_with_its_first_place(store: Store) -> None:
    failures = [Failure("b.jpg", "is empty", "pics"), Failure("a.jpg", "is cut short", "pics")]
    with store.operation("add") as op:
        op.record_failures([*failures, failures[0]])
        op.checkpoint()
        op.record_failures([*failures, Failure("a.jpg", "is empty", "pics")])
    rows = store.failures()
    assert rows.select(["path", "reason", "source"]).to_pylist() == [
        {"path": "b.jpg", "reason": "is empty", "source": "pics"},
        {"path": "a.jpg", "reason": "is cut short", "source": "pics"},
        {"path": "a.jpg", "reason": "is empty", "source": "pics"},
    ]
    assert rows["time"].null_count == 0


# Vectors


def test_a_vector_column_carries_its_encoder(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("embed") as op:
        name = op.add_vector_column("hf:facebook/DINOv2-small", "ABCDEF0123", DIM)
    (column,) = store.vector_columns()
    assert name == column.name == "vector_hf_facebook_dinov2_small_abcdef01"
    assert column.error_column == "error_hf_facebook_dinov2_small_abcdef01"
    assert (column.spec, column.fingerprint) == ("hf:facebook/DINOv2-small", "ABCDEF0123")
    assert (column.dim, column.dtype) == (DIM, "float32")
    assert store.count(f"{name} IS NULL AND {column.error_column} IS NULL") == 3


def test_adding_a_vector_column_again_keeps_its_vectors(store: Store) -> None:
    insert(store, 0, 3)
    column = add_vectors(store, 0, 2)
    with store.operation("embed") as op:
        assert op.add_vector_column("hf:small", "feedc0de99", DIM) == column
        assert op.add_vector_column("hf:small", "feedc0de99", DIM) == column
    assert store.vectors(column)[0] == sample_ids(0, 2)
    with (
        pytest.raises(UsageError, match=f"{column} exists with .*8.*, not .*16"),
        store.operation("embed") as op,
    ):
        op.add_vector_column("hf:small", "feedc0de99", 16)


def test_vectors_are_filled_bit_by_bit_in_any_order(store: Store) -> None:
    insert(store, 0, 9000)
    vectors, order = sample_vectors(0, 9000), np.random.default_rng(7).permutation(9000)
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        for part in np.array_split(order, 5):
            op.set_vectors(column, [sample_id(int(i)) for i in part], vectors[part])
            op.checkpoint()
    ids, stored = store.vectors(column)
    assert ids == sample_ids(0, 9000)
    assert np.array_equal(stored, vectors)


def test_vectors_and_errors_of_rows_inserted_in_the_same_checkpoint(store: Store) -> None:
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        op.insert(sample_rows(0, 5))
        op.set_vectors(column, sample_ids(0, 2), sample_vectors(0, 2))
        op.set_errors(column, sample_ids(4, 5), ["is cut short"])
    assert np.array_equal(store.vectors(column)[1], sample_vectors(0, 2))
    errors = store.read([store.vector_columns()[0].error_column])[0].to_pylist()
    assert errors == [None, None, None, None, "is cut short"]


def test_an_error_is_cleared_by_none(store: Store) -> None:
    insert(store, 0, 2)
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        op.set_errors(column, sample_ids(0, 2), ["bad", "worse"])
        op.checkpoint()
        op.set_errors(column, sample_ids(0, 1), [None])
    errors = store.read([store.vector_columns()[0].error_column])[0].to_pylist()
    assert errors == [None, "worse"]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((2, DIM + 1)), r"shape \(2, 8\), got \(2, 9\)"),
        (np.ones((3, DIM)), r"shape \(2, 8\), got \(3, 8\)"),
        (np.full((2, DIM), np.nan), "not finite float32"),
        (np.full((2, DIM), np.inf), "not finite float32"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(store: Store, vectors: Any, message: str) -> None:
    insert(store, 0, 2)
    with pytest.raises(UsageError, match=message), store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM)
        op.set_vectors(column, sample_ids(0, 2), vectors)
    assert store.vector_columns() == []


def test_vectors_too_large_for_half_precision_are_refused(store: Store) -> None:
    insert(store, 0, 1)
    with pytest.raises(UsageError, match="not finite float16"), store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "feedc0de99", DIM, dtype="float16")
        op.set_vectors(column, sample_ids(0, 1), np.full((1, DIM), 1e9, np.float32))


def test_impossible_vector_columns_are_refused(store: Store) -> None:
    with store.operation("embed") as op:
        with pytest.raises(UsageError, match="cannot be stored as 'int8'; use one of"):
            op.add_vector_column("hf:small", "feedc0de99", DIM, dtype="int8")
        with pytest.raises(UsageError, match="at least one dimension, got 0"):
            op.add_vector_column("hf:small", "feedc0de99", 0)
        with pytest.raises(UsageError, match="'label' is not a vector column; there are: none"):
            op.set_vectors("label", [], np.empty((0, DIM), np.float32))


# Marks


def test_marks_are_set_changed_and_cleared(store: Store) -> None:
    insert(store, 0, 5000)
    with store.operation("label") as op:
        op.set_marks(
            sample_ids(4094, 4098),
            {"label": ["a", "b", "c", "d"], "tags": [["x"], [], None, ["y", "z"]]},
        )
    with store.operation("label") as op:
        op.set_marks(sample_ids(4095, 4097), {"label": pa.array(["B", None])})
    assert store.read(
        ["width", "label", "tags"], where="width >= 4094 AND width < 4099"
    ).to_pylist() == [
        {"width": 4094, "label": "a", "tags": ["x"]},
        {"width": 4095, "label": "B", "tags": []},
        {"width": 4096, "label": None, "tags": None},
        {"width": 4097, "label": "d", "tags": ["y", "z"]},
        {"width": 4098, "label": None, "tags": None},
    ]
    assert store.count("label IS NOT NULL") == 3


def test_a_new_mark_is_a_column_of_the_arrays_type(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("select") as op:
        op.set_marks(
            sample_ids(1, 3),
            {"selected": pa.array([True, False]), "selected_rank": pa.array([1, 2], pa.int32())},
        )
    rows = store.read(["selected", "selected_rank"])
    assert rows.schema.types == [pa.bool_(), pa.int32()]
    assert rows["selected"].to_pylist() == [None, True, False]
    assert store.columns()[-2:] == ["selected", "selected_rank"]
    assert store.count("selected") == 1


def test_of_several_values_for_a_sample_the_last_counts(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("label") as op:
        op.set_marks(sample_ids(0, 3), {"label": ["a", "b", "c"]})
        op.set_marks(sample_ids(1, 2), {"label": ["B"]})
        op.set_marks([sample_id(0), sample_id(0)], {"label": ["x", "y"]})
    assert store.read(["label"])["label"].to_pylist() == ["y", "B", "c"]


def test_marks_of_different_samples_in_one_checkpoint(store: Store) -> None:
    insert(store, 0, 5)
    with store.operation("label") as op:
        op.set_marks(sample_ids(0, 5), {"label": list("abcde")})
        op.checkpoint()
        op.set_marks(sample_ids(0, 2), {"label": ["A", None]})
        op.set_marks(sample_ids(1, 4), {"split": ["train", "val", "test"]})
        op.set_marks([sample_id(4)], {"tags": [["t"]]})
    assert store.read(["label", "split", "tags"]).to_pydict() == {
        "label": ["A", None, "c", "d", "e"],
        "split": [None, "train", "val", "test", None],
        "tags": [None, None, None, None, ["t"]],
    }


def test_chunked_arrays_and_arrow_ids_are_taken(store: Store) -> None:
    insert(store, 0, 5000)
    rows = store.read(["sample_id", "path"])
    with store.operation("label") as op:
        op.set_marks(rows["sample_id"], {"label": rows["path"]})
    assert store.count("label = path") == 5000


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({"path": ["x", "y"]}, "'path' is not a mark"),
        ({"thumbnail": [b"", b""]}, "'thumbnail' is not a mark"),
        ({"vector_x": ["x", "y"]}, "'vector_x' is not a mark"),
        ({"Label": ["x", "y"]}, "'Label' cannot name a mark; use lower-case"),
        ({"a b": ["x", "y"]}, "'a b' cannot name a mark"),
        ({"label": ["x"]}, "2 sample ids but 1 values for label"),
        ({"label": [[1], [2]]}, "values of the mark 'label' have to be string"),
        ({"fresh": [None, None]}, "'fresh' is new and all its values are null: give a typed array"),
    ],
)
def test_marks_that_cannot_be_are_refused(store: Store, marks: Any, message: str) -> None:
    insert(store, 0, 2)
    with pytest.raises(UsageError, match=message), store.operation("label") as op:
        op.set_marks(sample_ids(0, 2), marks)
    assert store.snapshot == 2


def test_marks_of_unknown_samples_change_nothing(store: Store) -> None:
    insert(store, 0, 2)
    before = content(store)
    with (
        pytest.raises(UsageError, match="1 of 3 sample ids are not in"),
        store.operation("label") as op,
    ):
        op.set_marks(sample_ids(0, 3), {"label": list("abc"), "fresh": list("abc")})
    assert content(Store.open(store.path)) == before
    assert store.gc().files == 0


def test_a_mark_on_every_row_writes_only_itself(store: Store) -> None:
    rows = 5000
    with store.operation("add") as op:
        op.insert(sample_rows(0, rows, thumbnail_bytes=4000))
    column = add_vectors(store, 0, rows)
    ids = sample_ids(0, rows)
    splits = [("train", "val", "test")[i * i % 3] for i in range(rows)]
    before = file_sizes(store.path)
    assert sum(before.values()) > rows * 4000

    with store.operation("split") as op:
        op.set_marks(ids, {"split": splits})
    after = file_sizes(store.path)
    assert before.keys() - after.keys() == set()
    assert all(after[file] == size for file, size in before.items() if file.parent.name == "data")
    written = sum(after.values()) - sum(before.values())
    # One byte a row would be generous for one of three words; the rest is a fixed overhead.
    assert written < rows + 20_000
    assert store.read(["split"])["split"].to_pylist() == splits

    with store.operation("split") as op:
        op.set_marks(ids, {"split": splits[::-1]})
    again = sum(file_sizes(store.path).values()) - sum(after.values())
    assert again < rows + 20_000
    assert np.array_equal(store.vectors(column)[1], sample_vectors(0, rows))


def test_scattered_marks_leave_small_manifests(store: Store) -> None:
    insert(store, 0, 20_000)
    rng = np.random.default_rng(3)
    for turn in range(10):
        with store.operation("label") as op:
            picks = rng.choice(20_000, 500, replace=False)
            op.set_marks([sample_id(int(i)) for i in picks], {"label": [f"turn {turn}"] * 500})
    manifests = (store.path / "samples.lance" / "_versions").glob("*.manifest")
    assert max(file.stat().st_size for file in manifests) < 15_000


# Checkpoints


def test_every_checkpoint_is_a_snapshot_and_the_operation_is_one_log_entry(store: Store) -> None:
    with store.operation("add", {"source": ["pics"]}, seed=7) as op:
        op.insert(sample_rows(0, 5))
        op.checkpoint()
        op.counts["skipped"] = 2
        op.insert(sample_rows(5, 8))
    assert store.snapshot == 3
    entry = store.log()[-1]
    assert (entry.verb, entry.params, entry.seed) == ("add", {"source": ["pics"]}, 7)
    assert entry.counts == {"added": 8, "known": 0, "skipped": 2}
    assert (entry.before, entry.snapshot, entry.checkpoints) == (1, 3, 2)
    assert (entry.operation, entry.state) == (2, "done")
    assert entry.started <= entry.finished


def test_an_operation_that_changes_nothing_is_logged(store: Store) -> None:
    with store.operation("add"):
        pass
    assert [entry.verb for entry in store.log()] == ["create", "add"]
    assert store.undo().verb == "add"


def test_an_exception_discards_what_was_staged_since_the_last_checkpoint(store: Store) -> None:
    with pytest.raises(KeyError), store.operation("add") as op:
        op.insert(sample_rows(0, 5))
        op.record_failures([Failure("x", "is empty")])
        op.checkpoint()
        op.insert(sample_rows(5, 8))
        op.record_failures([Failure("y", "is empty")])
        raise KeyError
    assert store.count() == 5
    assert store.failures()["path"].to_pylist() == ["x"]
    entry = store.log()[-1]
    assert (entry.state, entry.counts) == ("interrupted", {"added": 5, "known": 0})


def test_a_running_operation_is_shown_as_such(store: Store) -> None:
    with store.operation("add") as op:
        assert len(store.log()) == 1
        op.checkpoint()
        assert Store.open(store.path).log()[-1].state == "running"
    assert store.log()[-1].state == "done"
    assert list((store.path / "running").iterdir()) == []


def test_params_that_are_no_json_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="params of 'add' cannot be kept in the log"):
        store.operation("add", {"path": Path("x")})


def test_an_edit_of_a_column_that_another_took_back_is_a_conflict(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("select") as op:
        op.set_marks(sample_ids(0, 1), {"selected": [True]})
    with (
        pytest.raises(ConflictError, match="'selected' was taken back by another writer"),
        store.operation("select") as op,
    ):
        op.set_marks(sample_ids(1, 2), {"selected": [True]})
        Store.open(store.path).undo()


def test_two_writers_that_make_one_mark_of_two_types_conflict(store: Store) -> None:
    insert(store, 0, 3)
    with (
        pytest.raises(ConflictError, match="another writer made the column 'rank' one of int64"),
        store.operation("a") as op,
    ):
        op.set_marks(sample_ids(0, 1), {"rank": ["first"]})
        with Store.open(store.path).operation("b") as other:
            other.set_marks(sample_ids(0, 1), {"rank": [1]})
    assert store.log()[-1].verb == "b"


@pytest.mark.parametrize("verbs", [("a", "b"), ("b", "a")])
def test_writers_in_turns_keep_each_others_changes(store: Store, verbs: tuple[str, str]) -> None:
    insert(store, 0, 4)
    other = Store.open(store.path)
    changes: dict[str, Callable[[Any], None]] = {
        "a": lambda op: op.set_marks(sample_ids(0, 2), {"label": ["x", "y"]}),
        "b": lambda op: op.insert(sample_rows(4, 6)),
    }
    with store.operation("first") as one, other.operation("second") as two:
        changes[verbs[0]](one)
        changes[verbs[1]](two)
        two.checkpoint()
        one.checkpoint()
    store.refresh()
    assert store.read(["label"])["label"].to_pylist() == ["x", "y", None, None, None, None]

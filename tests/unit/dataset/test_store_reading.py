from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from sample_rows import DIM, add_vectors, insert, sample_ids, sample_rows, sample_vectors
from tamis.dataset.schema import SAMPLES
from tamis.dataset.store import Store
from tamis.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_dataset_is_empty_and_has_the_schema(store: Store) -> None:
    assert store.count() == 0
    assert store.columns() == SAMPLES.names
    assert store.snapshot == 1
    assert store.failures().num_rows == 0
    assert store.vector_columns() == []
    assert store.read(["sample_id", "thumbnail"]).num_rows == 0


def test_what_is_inserted_is_read_in_order(store: Store) -> None:
    rows = sample_rows(0, 10_000)
    with store.operation("add") as op:
        op.insert(rows)
    assert store.read(rows.column_names).to_pydict() == rows.to_pydict()
    assert store.read(["label"])["label"].null_count == 10_000


def test_read_by_ids_has_their_order_and_repeats(store: Store) -> None:
    insert(store, 0, 5000)
    ids = [*reversed(sample_ids(4990, 5000)), *sample_ids(3, 5), *sample_ids(4990, 4991)]
    rows = store.read(["width", "sample_id"], ids=ids)
    assert rows["sample_id"].to_pylist() == ids
    assert rows["width"].to_pylist() == [int(sample_id, 16) for sample_id in ids]
    assert rows.column_names == ["width", "sample_id"]


def test_read_by_arrow_ids_equals_read_by_strings(store: Store) -> None:
    insert(store, 0, 20)
    ids = store.read(["sample_id"], where="width >= 15")["sample_id"]
    assert store.read(["width"], ids=ids)["width"].to_pylist() == list(range(15, 20))


def test_read_by_ids_and_condition_keeps_those_that_meet_it(store: Store) -> None:
    insert(store, 0, 100)
    rows = store.read(["width"], where="width % 2 = 0", ids=[*reversed(sample_ids(10, 15))])
    assert rows["width"].to_pylist() == [14, 12, 10]


def test_read_of_no_ids_is_empty_but_typed(store: Store) -> None:
    insert(store, 0, 3)
    rows = store.read(["width", "tags"], ids=[])
    assert rows.num_rows == 0
    assert rows.schema.field("tags").type == pa.list_(pa.string())


def test_an_unknown_id_is_named(store: Store) -> None:
    insert(store, 0, 3)
    with pytest.raises(
        UsageError, match=r"1 of 2 sample ids are not in the dataset, e\.g\. 'nope'"
    ):
        store.read(["width"], ids=[sample_ids(0, 1)[0], "nope"])


def test_ids_that_are_no_strings_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="sample ids have to be strings"):
        store.read(["width"], ids=[7])
    with pytest.raises(UsageError, match="1 of 2 sample ids are null"):
        store.read(["width"], ids=["a", None])


def test_an_unknown_column_is_named_with_a_few_there_are(store: Store) -> None:
    with pytest.raises(
        UsageError, match=r"no column 'colour'; there are sample_id, path, .* and \d+ others$"
    ):
        store.read(["colour"])
    with pytest.raises(UsageError, match="no column 'colour'"):
        store.batches(["colour"])


def test_count_with_and_without_a_condition(store: Store) -> None:
    insert(store, 0, 5000)
    assert store.count() == 5000
    assert store.count("width < 10 OR width >= 4999") == 11
    assert store.count("path = 'pictures/17.jpg'") == 1
    assert store.count("label IS NULL") == 5000


@pytest.mark.parametrize(
    "where",
    [
        "colour = 1",
        "width <",
        "width",
        "width = 'wide'",
        "width < 5 limit 3",
        "width < 5)",
        "(width < 5",
        "true; drop table samples",
        "no_such_function(width) = 1",
        "cast(path as int) = 3",
        "width / 0 = 1",
        "",
    ],
)
def test_a_bad_condition_is_named_with_what_may_be_used(store: Store, where: str) -> None:
    insert(store, 0, 3)
    for read in (
        lambda: store.count(where),
        lambda: store.read(["width"], where),
        lambda: list(store.batches(["width"], where)),
        lambda: store.read(["width"], where, ids=sample_ids(0, 2)),
    ):
        with pytest.raises(UsageError) as raised:
            read()
        assert repr(where) in str(raised.value)
        assert ".rs:" not in str(raised.value)


def test_a_bad_condition_names_a_few_columns_or_the_one_that_is_meant(store: Store) -> None:
    with pytest.raises(UsageError, match=r"there are sample_id, path, .* and \d+ others$"):
        store.count("colour = 1")
    with pytest.raises(UsageError, match=r"is it label\?$"):
        store.count("lable = 1")


def test_quotes_in_a_condition_are_values_not_syntax(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("label") as op:
        op.set_marks(sample_ids(0, 2), {"label": ["it's; (odd", "plain"]})
    assert store.count("label = 'it''s; (odd'") == 1


def test_batches_are_bounded_ordered_and_see_one_snapshot(store: Store) -> None:
    insert(store, 0, 5000)
    batches = store.batches(["width"], batch_size=1000)
    first = next(batches)
    insert(store, 5000, 6000)
    rest = list(batches)
    assert max(batch.num_rows for batch in [first, *rest]) <= 1000
    seen = pa.Table.from_batches([first, *rest])["width"].to_pylist()
    assert seen == list(range(5000))


def test_vectors_are_float32_in_dataset_order_without_the_empty_rows(store: Store) -> None:
    insert(store, 0, 5000)
    column = add_vectors(store, 100, 4900)
    ids, vectors = store.vectors(column)
    assert ids == sample_ids(100, 4900)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, sample_vectors(100, 4900))


def test_vectors_of_those_that_meet_a_condition(store: Store) -> None:
    insert(store, 0, 20)
    column = add_vectors(store, 0, 10)
    ids, vectors = store.vectors(column, where="width >= 8")
    assert ids == sample_ids(8, 10)
    assert np.array_equal(vectors, sample_vectors(8, 10))
    assert store.vectors(column, where="width > 99")[1].shape == (0, DIM)


def test_half_precision_vectors_are_read_as_float32(store: Store) -> None:
    insert(store, 0, 3)
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:small", "0123456789", DIM, dtype="float16")
        op.set_vectors(column, sample_ids(0, 3), sample_vectors(0, 3))
    vectors = store.vectors(column)[1]
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, sample_vectors(0, 3).astype(np.float16).astype(np.float32))
    assert store.vector_columns()[0].dtype == "float16"


def test_vectors_of_no_vector_column_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="'label' is not a vector column; there are: none"):
        store.vectors("label")


def test_reading_narrow_columns_touches_no_thumbnails(store: Store) -> None:
    with store.operation("add") as op:
        op.insert(sample_rows(0, 500, thumbnail_bytes=10_000))
    fresh = Store.open(store.path)
    dataset = fresh._state.samples._dataset
    fresh.read(["sample_id", "width", "label"])
    fresh.count("width > 10")
    narrow = dataset.io_stats_incremental().read_bytes
    fresh.read(["thumbnail"])
    wide = dataset.io_stats_incremental().read_bytes
    assert wide > 500 * 10_000
    assert narrow < 100_000


def test_an_older_snapshot_stays_readable_and_cannot_be_changed(store: Store) -> None:
    insert(store, 0, 3)
    insert(store, 3, 5)
    older = Store.open(store.path, snapshot=2)
    assert older.count() == 3
    insert(store, 5, 6)
    older.refresh()
    assert (older.count(), older.snapshot) == (3, 2)
    for change in (lambda: older.operation("add"), older.undo):
        with pytest.raises(UsageError, match="opened at snapshot 2, which can only be read"):
            change()


def test_refresh_shows_what_others_wrote(store: Store) -> None:
    reader = Store.open(store.path)
    insert(store, 0, 3)
    assert reader.count() == 0
    reader.refresh()
    assert reader.count() == 3


def test_a_dataset_can_be_moved(store: Store, tmp_path: Path) -> None:
    insert(store, 0, 10)
    column = add_vectors(store, 0, 10)
    place = tmp_path / "elsewhere" / "with space ' quote.tamis"
    place.parent.mkdir()
    shutil.move(store.path, place)
    moved = Store.open(place)
    assert moved.count() == 10
    insert(moved, 10, 12)
    assert moved.vectors(column)[0] == sample_ids(0, 10)
    moved.undo()
    assert moved.count() == 10
    assert moved.diff(1).added == sample_ids(0, 10)
    assert moved.gc().files == 0

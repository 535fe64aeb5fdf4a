"""Selecting in a dataset: marks, conditions, reasons, independence of the order of samples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tamis.data.embedded import read_embedded
from tamis.data.store import Store
from tamis.errors import UsageError
from tamis.services.selection import select


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(seed=0):
    """Five clusters of twelve pictures, then four that are like nothing else."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(unit(rng.standard_normal((5, 24))), 12, axis=0)
    rows = np.concatenate(
        [middle + 0.03 * rng.standard_normal((60, 24)), rng.standard_normal((4, 24))]
    )
    return unit(rows)


def fill(store, vectors, order=None, without=()):
    """Add samples s00, s01 ... with their vectors, in the given order."""
    order = range(len(vectors)) if order is None else order
    ids = [f"s{row:02d}" for row in order]
    embedded = [row for row in order if row not in without]
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ids, "path": [f"{name}.jpg" for name in ids]}))
    with store.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", vectors.shape[1])
        op.set_vectors(column, [f"s{row:02d}" for row in embedded], vectors[embedded])
    return column


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "a.tamis")
    fill(store, scene())
    return store


def marked(store):
    return store.read(
        ["sample_id", "selected", "selected_rank", "selected_reason"], where="selected"
    ).to_pylist()


def test_picks_carry_path_reason_and_score(store):
    chosen = select(store, 9, diverse=0.4)
    assert [row.path for row in chosen.rows] == [f"{row.sample_id}.jpg" for row in chosen.rows]
    assert sorted(int(row.sample_id[1:]) // 12 for row in chosen.rows[:5]) == list(range(5))
    assert {row.sample_id for row in chosen.rows[5:]} == {"s60", "s61", "s62", "s63"}
    assert chosen.rows[0].reason == "represents 12 pictures"
    for row in chosen.rows[5:]:
        assert row.reason == (
            f"farthest from all picked before it, cosine distance {row.score:.3f}; an outlier"
        )
    assert (chosen.candidates, chosen.represented, chosen.outliers_taken) == (64, 64, 4)
    assert chosen.coverage.picked.mean_similarity > chosen.coverage.random.mean_similarity
    assert (chosen.neighbors, chosen.recall) == ("exact", 1.0)


def test_marks_are_set_logged_and_undone(store):
    chosen = select(store, 5, seed=3)
    rows = sorted(marked(store), key=lambda row: row["selected_rank"])
    assert [row["sample_id"] for row in rows] == [row.sample_id for row in chosen.rows]
    assert [row["selected_rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["selected_reason"] for row in rows] == [row.reason for row in chosen.rows]
    entry = store.log()[-1]
    assert (entry.verb, entry.seed, entry.counts["selected"]) == ("select", 3, 5)
    assert entry.params["n"] == 5
    store.undo()
    assert "selected" not in store.columns() or not marked(store)


def test_a_selection_replaces_the_one_before(store):
    select(store, 12)
    later = select(store, 3, where="sample_id >= 's60'")
    assert {row["sample_id"] for row in marked(store)} == {row.sample_id for row in later.rows}
    assert store.count("selected_rank IS NOT NULL") == 3
    assert store.count("selected_reason IS NOT NULL") == 3


def test_a_dry_run_changes_nothing(store):
    before = store.snapshot
    select(store, 5, apply=False)
    assert store.snapshot == before


def test_duplicates_are_left_out_unless_asked_for(store):
    with store.operation("duplicates") as op:
        copies = [f"s{row:02d}" for row in range(1, 10)]
        op.set_marks(copies, {"duplicate_of": ["s00"] * 9})
    assert select(store, 99).candidates == 55
    assert not {row.sample_id for row in select(store, 99).rows} & set(copies)
    assert select(store, 99, exclude_duplicates=False).candidates == 64
    first = select(store, 9, where="sample_id < 's20'")
    assert first.represented == 11


def test_conditions_limit_what_is_picked_and_represented(store):
    chosen = select(store, 99, where="sample_id < 's05'")
    assert {row.sample_id for row in chosen.rows} == {f"s0{row}" for row in range(5)}
    assert chosen.represented == 5


def test_labelled_pictures_represent_but_are_not_picked(store):
    with store.operation("label") as op:
        named = [f"s{row:02d}" for row in range(48)]
        op.set_marks(named, {"label": ["known"] * 48})
    chosen = select(store, 1, labelled="label IS NOT NULL", diverse=0)
    assert int(chosen.rows[0].sample_id[1:]) // 12 == 4
    assert (chosen.candidates, chosen.represented) == (16, 64)
    both = select(store, 99, where="label IS NULL", labelled="label IS NOT NULL")
    assert (both.candidates, both.represented) == (16, 64)
    with pytest.raises(UsageError, match=r"no picture to select from.*48 of them labelled"):
        select(store, 1, where="label IS NOT NULL", labelled="label IS NOT NULL")


def test_the_order_in_which_pictures_came_does_not_matter(store, tmp_path):
    other = Store.create(tmp_path / "b.tamis")
    fill(other, scene(), order=np.random.default_rng(1).permutation(64).tolist())
    for strategy in ("default", "random"):
        a = select(store, 12, strategy=strategy, seed=2)
        b = select(other, 12, strategy=strategy, seed=2)
        assert a.rows == b.rows
        assert a.coverage == b.coverage


def test_pictures_without_a_vector_take_no_part(tmp_path):
    store = Store.create(tmp_path / "c.tamis")
    fill(store, scene(), without={0, 1, 2})
    assert select(store, 99).candidates == 61


@pytest.mark.parametrize(
    ("n", "options", "sentence"),
    [
        (0, {}, "select at least 1 picture, not 0"),
        (3, {"diverse": -1}, "between 0 and 1"),
        (3, {"strategy": "best"}, "strategy must be one of"),
        (3, {"column": "path"}, "'path' is not a vector column"),
        (3, {"where": "sample_id = 'x'"}, "no picture to select from: 0 have a vector"),
        (3, {"where": "no_such = 1"}, "no_such"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(store, n, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        select(store, n, **options)
    assert store.snapshot == before


def test_a_dataset_without_vectors_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="no vectors yet: run  tamis embed  first"):
        select(Store.create(tmp_path / "empty.tamis"), 3)


def test_the_fullest_vector_column_is_taken_by_default(store):
    with store.operation("embed") as op:
        sparse = op.add_vector_column("test:other", "fedcba9876543210", 2)
        op.set_vectors(sparse, ["s05", "s01"], np.eye(2, dtype=np.float32))
    assert select(store, 2, apply=False).represented == 64
    few = read_embedded(store, sparse)
    assert few.ids == ["s01", "s05"]
    assert few.vectors.tolist() == [[0, 1], [1, 0]]


def test_progress_is_told(store):
    told = []
    select(store, 4, apply=False, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)

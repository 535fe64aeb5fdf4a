"""Folds, splits by time, several labels a picture, and audits of any column."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from splitting import check_splits, split
from tamis.dataset.label_sets import label_sets
from tamis.dataset.split_column import folds
from tamis.dataset.store import Store
from tamis.errors import UsageError

COUNT = 60


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def make(tmp_path):
    """Makes a dataset of 60 pictures with vectors and some columns."""

    def made(columns=None, order=range(COUNT), name="a", paths=None):
        store = Store.create(tmp_path / f"{name}.tamis")
        order = list(order)
        paths = paths or [f"{row:02}.jpg" for row in range(COUNT)]
        table = {
            "sample_id": [f"s{row:02}" for row in order],
            "path": [paths[row] for row in order],
            "content_hash": [f"hash {row}" for row in order],
            "phash": pa.array([7 * row for row in order], pa.int64()),
        }
        marks = {}
        for key, values in (columns or {}).items():
            into = table if key in {"camera", "captured_at"} else marks
            into[key] = pa.array([values[row] for row in order])
        with store.operation("add") as op:
            op.insert(pa.table(table))
        with store.operation("embed") as op:
            column = op.add_vector_column("test:random", "0123456789abcdef", 32)
            rows = unit(np.random.default_rng(0).standard_normal((COUNT, 32)))
            op.set_vectors(column, [f"s{row:02}" for row in range(COUNT)], rows)
        if marks:
            with store.operation("label") as op:
                op.set_marks(table["sample_id"], marks)
        return store

    return made


def read(store, column):
    rows = store.read(["sample_id", column]).to_pylist()
    return {row["sample_id"]: row[column] for row in rows}


def test_folds_keep_groups_and_balance_labels(make):
    cameras = [f"camera {row % 20}" for row in range(COUNT)]
    labels = ["ab"[row % 20 % 2] for row in range(COUNT)]
    store = make({"camera": cameras, "label": labels})
    report = split(store, folds=4, group="camera", seed=3)
    assert report.mark == "fold"
    assert report.counts == report.targets == dict.fromkeys("0123", 15)
    assert all(set(held.values()) <= {6, 9} for held in report.labels.values())
    marked = read(store, "fold")
    for camera in set(cameras):
        held = {marked[f"s{row:02}"] for row in range(COUNT) if cameras[row] == camera}
        assert len(held) == 1
    assert set(read(store, "split").values()) == {None}
    assert store.log()[-1].options["folds"] == 4
    assert check_splits(store, column="fold", group="camera").leak_count == 0


def test_folds_come_as_lists_that_share_nothing(make):
    store = make()
    split(store, folds=5, where="sample_id >= 's10'")
    found = folds(store)
    assert [fold.number for fold in found] == [0, 1, 2, 3, 4]
    everything = {f"{row:02}.jpg" for row in range(10, COUNT)}
    for fold in found:
        assert set(fold.train) | set(fold.held_out) == everything
        assert not set(fold.train) & set(fold.held_out)
        assert len(fold.held_out) == 10
    assert sorted(path for fold in found for path in fold.held_out) == sorted(everything)
    split(store, folds=2)
    assert len(folds(store)) == 2
    store.undo()
    assert folds(store) == found


def test_folds_do_not_depend_on_the_order_of_pictures(make):
    one = make()
    other = make(order=np.random.default_rng(0).permutation(COUNT).tolist(), name="b")
    assert split(one, folds=3, seed=2) == split(other, folds=3, seed=2)
    assert folds(one) == folds(other)


def test_a_leak_between_folds_is_named(make):
    store = make({"camera": ["one" if row in (3, 9) else None for row in range(COUNT)]})
    with store.operation("own folds") as op:
        op.set_marks(
            [f"s{row:02}" for row in range(COUNT)], {"fold": [row % 5 for row in range(COUNT)]}
        )
    assert check_splits(store, column="fold").leak_count == 0
    [leak] = check_splits(store, column="fold", group="camera").leaks
    assert ({leak.left, leak.right}, leak.kind) == ({"03.jpg", "09.jpg"}, "group")
    assert set(leak.splits) == {"3", "4"}


def times(*, missing=()):
    start = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - cameras write no zone
    return [
        None if row in missing else start + timedelta(hours=row * 7 % COUNT) for row in range(COUNT)
    ]


def test_by_time_the_past_trains(make):
    store = make({"captured_at": times()})
    report = split(store, time="captured_at", train=0.5, val=0.25, test=0.25)
    assert report.counts == {"train": 30, "val": 15, "test": 15}
    marked, at = read(store, "split"), read(store, "captured_at")
    latest = {
        name: max(at[one] for one in at if marked[one] == name) for name in ("train", "val", "test")
    }
    for name, after in (("train", "val"), ("val", "test")):
        assert latest[name] < min(at[one] for one in at if marked[one] == after)
        assert report.cuts[name] == str(latest[name])


def test_a_group_over_the_cut_goes_to_its_later_side_and_is_told(make):
    at = times()
    early, late = at.index(min(at)), at.index(max(at))
    cameras = ["both" if row in (early, late) else None for row in range(COUNT)]
    store = make({"captured_at": at, "camera": cameras})
    report = split(store, time="captured_at", group="camera", train=0.5, val=0, test=0.5)
    marked = read(store, "split")
    assert marked[f"s{early:02}"] == marked[f"s{late:02}"] == "test"
    assert any("1 group across a cut" in note for note in report.notes)
    assert report.leak_count == 0


def test_labels_in_one_text_or_in_a_list_are_the_same(make):
    several = [["a"], ["a", "b"], ["b", "c"], []]
    lists = [several[row % 4] for row in range(COUNT)]
    texts = ["; ".join(labels) or None for labels in lists]
    ids = [f"s{row:02}" for row in range(COUNT)]
    by_text = label_sets(make({"label": texts}, name="t"), "label", ids, ";")
    store = make({"tags": lists}, name="l")
    by_list = label_sets(store, "tags", ids)
    assert by_text.names == by_list.names == ["a", "b", "c"]
    assert (by_text.of != by_list.of).nnz == 0
    report = split(store, label="tags", train=0.5, val=0.25, test=0.25)
    assert report.labels["a"] == {"train": 15, "val": 7, "test": 8} or (
        report.labels["a"] == {"train": 15, "val": 8, "test": 7}
    )
    assert all(min(held.values()) >= 3 for held in report.labels.values())


def test_pictures_without_a_label_count_for_those_of_their_boxes(make):
    store = make()
    parts = {
        "sample_id": ["p1", "p2", "p3"],
        "path": ["00.jpg#1", "00.jpg#2", "01.jpg#1"],
        "kind": ["crop"] * 3,
        "parent_id": ["s00", "s00", "s01"],
        "label": ["cell", "plate", "cell"],
    }
    with store.operation("add") as op:
        op.require_columns(pa.schema([("kind", pa.string()), ("parent_id", pa.string())]))
        op.insert(pa.table(parts))
    found = label_sets(store, "label", ["s00", "s01", "s02"])
    assert (found.names, found.from_parts) == (["cell", "plate"], True)
    assert found.of.toarray().tolist() == [[1, 1], [1, 0], [0, 0]]
    split(store, folds=3)
    marked = read(store, "fold")
    assert marked["p1"] == marked["p2"] == marked["s00"]


def test_splits_by_folder_are_audited(make):
    names = ["train", "Validation", "test", "extra"]
    paths = [f"shop/{names[row % 4]}/hats/{row:02}.jpg" for row in range(COUNT)]
    same = ["one" if row in (0, 1) else str(row) for row in range(COUNT)]
    store = make({"camera": same}, paths=paths)
    report = check_splits(store, column="path", group="camera")
    assert report.counts == {"train": 15, "val": 15, "test": 15}
    assert [leak.splits for leak in report.leaks] == [("train", "val")]
    assert any(note.startswith("15 pictures have no path") for note in report.notes)


def test_what_groups_do_not_allow_is_said(make):
    labels = ["rare" if row < 2 else "often" for row in range(COUNT)]
    cameras = ["large" if 2 <= row < 30 else None for row in range(COUNT)]
    store = make({"label": labels, "camera": cameras})
    report = split(store, group="camera", train=0.4, val=0.3, test=0.3)
    notes = " ".join(report.notes)
    assert report.counts["train"] > report.targets["train"] == 24
    assert f"train +{report.counts['train'] - 24}," in notes
    assert "rare (not in" in notes
    assert "fewer of them than splits" in notes
    assert "off the shares by" in notes
    assert "the largest holds 28" in notes


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"folds": 1}, "folds is 1; give at least 2"),
        ({"folds": 61}, "60 groups that must stay whole, too few for 61 splits"),
        ({"folds": 3, "time": "captured_at"}, "folds by time would train on the future"),
        ({"time": "captured_at"}, r"2 of 60 pictures have no captured_at, the first is 05.jpg"),
        ({"time": "nowhere"}, "no column 'nowhere'"),
        ({"label": "nowhere"}, "no column 'nowhere'"),
        ({"label": "latitude"}, "which are no labels"),
        ({"delimiter": ""}, "the delimiter between labels is empty"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(make, options, sentence):
    store = make({"captured_at": times(missing=(5, 41))})
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        split(store, **options)
    assert store.snapshot == before


@pytest.mark.parametrize("none", [float("nan"), " "])
def test_what_is_no_time_puts_a_picture_into_no_split(make, none):
    values = [none if row in {5, 41} else type(none)(row + 100) for row in range(60)]
    store = make({"moment": pa.array(values)})
    with pytest.raises(UsageError, match=r"2 of 60 pictures have no moment, the first is 05\.jpg"):
        split(store, time="moment")
    report = split(store, time="moment", where="sample_id NOT IN ('s05', 's41')")
    assert sum(report.counts.values()) == 58


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("nowhere", "no column 'nowhere' to check; there are sample_id, path"),
        ("fold", "run  tamis split --folds K  first"),
        ("captured_at", "cannot name splits"),
        ("path", "no picture lies in a folder called train"),
    ],
)
def test_what_cannot_be_audited_is_refused(make, column, sentence):
    with pytest.raises(UsageError, match=sentence):
        check_splits(make(), column=column)


def test_no_folds_yet(make):
    with pytest.raises(UsageError, match="divide the pictures into folds first"):
        folds(make())

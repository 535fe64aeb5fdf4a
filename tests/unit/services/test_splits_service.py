"""Splitting a dataset: groups, marks, the audit, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from splitting import check_splits, split
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.services.split import video_groups
from tamis.services.split.video_groups import torn_videos


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(n=60, dim=32, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def fill(path, vectors, columns=None, order=None, without=()):
    """A dataset of samples s00, s01 ... with vectors, added in the given order."""
    order = np.arange(len(vectors)) if order is None else order
    ids = [f"s{row:02d}" for row in order]
    n = len(vectors)
    table = {
        "sample_id": ids,
        "path": [f"{name}.jpg" for name in ids],
        "content_hash": [f"hash {row}" for row in order],
        "phash": pa.array([7 * int(row) for row in order], pa.int64()),
    }
    for name, values in (columns or {}).items():
        table[name] = pa.array([values[row] for row in order])
    store = Store.create(path)
    with store.operation("add") as op:
        op.insert(pa.table(table))
    with store.operation("embed") as op:
        column = op.add_vector_column("test:random", "0123456789abcdef", vectors.shape[1])
        embedded = [row for row in range(n) if row not in without]
        op.set_vectors(column, [f"s{row:02d}" for row in embedded], vectors[embedded])
    return store


def splits_of(store):
    rows = store.read(["sample_id", "split"]).to_pylist()
    return {row["sample_id"]: row["split"] for row in rows}


def mark(store, name, values, verb="label"):
    with store.operation(verb) as op:
        op.set_marks([f"s{row:02d}" for row in values], {name: list(values.values())})


@pytest.fixture
def store(tmp_path):
    return fill(tmp_path / "a.tamis", scene())


def test_every_picture_gets_a_split_and_the_report_counts_them(store):
    report = split(store, train=0.5, val=0.25, test=0.25, seed=4)
    assert report.counts == {"train": 30, "val": 15, "test": 15}
    marked = splits_of(store)
    assert {name: list(marked.values()).count(name) for name in report.counts} == report.counts
    assert (report.leaks, report.leak_count) == ([], 0)
    assert (report.groups, report.largest_group) == (60, 1)
    entry = store.log()[-1]
    assert (entry.verb, entry.seed) == ("split", 4)
    assert entry.counts["train"] == 30
    store.undo()
    assert set(splits_of(store).values()) == {None}


def test_the_largest_similarity_across_splits_is_true(store):
    report = split(store, train=0.5, val=0.25, test=0.25)
    marked = splits_of(store)
    X = scene()
    names = np.array([marked[f"s{row:02d}"] for row in range(60)])
    similarity = np.where(names[:, None] != names, X @ X.T, -1)
    assert report.max_cross_similarity == pytest.approx(float(similarity.max()), abs=1e-6)
    left, right, closest = report.closest[0]
    rows = int(left[1:3]), int(right[1:3])
    assert X[rows[0]] @ X[rows[1]] == pytest.approx(closest, abs=1e-6)
    assert marked[left[:3]] != marked[right[:3]]


def test_labels_are_spread(store):
    mark(store, "label", {row: "ab"[row % 5 == 0] for row in range(60)})
    report = split(store, train=0.5, val=0.25, test=0.25)
    for balance in report.coverage.values():
        assert (balance.labels, balance.labels_in_all) == (2, 2)
        assert balance.label_gap < 0.08


def test_a_split_of_no_share_is_not_made(store):
    assert split(store, train=0.7, val=0, test=0.3).counts == {"train": 42, "test": 18}


def test_pictures_of_one_group_stay_together(tmp_path):
    cameras = [f"camera {row % 9}" if row < 50 else None for row in range(60)]
    days = [row // 20 for row in range(60)]
    store = fill(tmp_path / "g.tamis", scene(), {"camera": cameras})
    split(store, train=0.5, val=0.25, test=0.25, group="camera")
    marked = splits_of(store)
    for camera in set(cameras) - {None}:
        held = {marked[f"s{row:02d}"] for row in range(60) if cameras[row] == camera}
        assert len(held) == 1
    mark(store, "day", dict(enumerate(days)))
    with pytest.raises(UsageError, match="one group holds"):
        split(store, group=["camera", "day"])


def test_near_pictures_stay_together_where_no_duplicates_were_marked(tmp_path):
    X = scene()
    X[1::2] = unit(X[::2] + 0.02 * scene(30, seed=1))
    store = fill(tmp_path / "n.tamis", X)
    report = split(store, train=0.5, val=0.25, test=0.25)
    marked = splits_of(store)
    assert all(marked[f"s{row:02d}"] == marked[f"s{row + 1:02d}"] for row in range(0, 60, 2))
    assert (report.groups, report.largest_group) == (30, 2)
    assert report.grouped_by == ["content_hash", "phash", "cosine similarity >= 0.95"]
    assert "duplicates are not marked" in report.notes[0]
    assert report.max_cross_similarity < 0.95


@pytest.mark.parametrize("column", ["content_hash", "phash"])
def test_one_file_or_one_hash_is_one_group(tmp_path, column):
    value = {"content_hash": "same", "phash": -5}[column]
    original = {"content_hash": str, "phash": int}[column]
    values = [value if row in (3, 40) else original(row) for row in range(60)]
    store = fill(tmp_path / "h.tamis", scene(), {column: values})
    for seed in range(6):
        split(store, train=0.4, val=0.3, test=0.3, seed=seed)
        marked = splits_of(store)
        assert marked["s03"] == marked["s40"]


def test_marked_duplicates_replace_the_threshold(tmp_path):
    # All pictures alike, as in one production line: a fixed threshold would join everything.
    X = unit(np.ones((60, 32)) + 0.05 * scene())
    store = fill(tmp_path / "d.tamis", X)
    report = split(store)
    assert (report.largest_group, report.leak_count) == (1, 0)
    assert any("too alike to be joined by their vectors" in note for note in report.notes)
    mark(store, "duplicate_group", {7: "g", 50: "g", 23: "g"}, verb="duplicates")
    for seed in range(4):
        report = split(store, train=0.5, val=0.25, test=0.25, seed=seed)
        marked = splits_of(store)
        assert marked["s07"] == marked["s50"] == marked["s23"]
        assert (report.leaks, report.notes) == ([], [])
        assert report.grouped_by == ["content_hash", "duplicate_group"]
        assert report.max_cross_similarity > 0.95


def test_near_vectors_are_a_leak_where_there_are_no_pixels(tmp_path):
    X = scene(120)
    X[1] = unit(X[:1] + 0.01 * scene(1, seed=1))
    store = fill(tmp_path / "n.tamis", X)
    mark(store, "split", {row: "train" if row % 2 else "test" for row in range(120)})
    report = check_splits(store)
    [leak] = report.leaks
    assert (report.leak_count, report.alike) == (1, 0)
    assert ({leak.left, leak.right}, leak.kind) == ({"s00.jpg", "s01.jpg"}, "alike")
    assert (leak.score, leak.verdict, leak.region) == (None, None, None)


def test_a_threshold_can_be_asked_for_beside_marks(tmp_path):
    X = scene()
    X[1] = X[0]
    store = fill(tmp_path / "t.tamis", X)
    mark(store, "duplicate_group", {7: "g", 50: "g"}, verb="duplicates")
    report = split(store, threshold=0.9)
    assert splits_of(store)["s00"] == splits_of(store)["s01"]
    assert report.grouped_by[-1] == "cosine similarity >= 0.9"


def test_pictures_added_after_the_duplicates_are_mentioned(store):
    mark(store, "duplicate_group", {7: "g", 50: "g"}, verb="duplicates")
    assert not any("duplicates" in note for note in split(store).notes)
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["new"], "path": ["new.jpg"]}))
    notes = split(store).notes
    assert any("added since duplicates were marked" in note for note in notes)
    assert any(note.startswith("1 picture has no vector") for note in notes)
    assert splits_of(store)["new"] is None


def test_a_split_replaces_the_one_before(store):
    split(store)
    report = split(store, train=0.5, val=0.5, test=0, where="sample_id < 's20'")
    assert report.counts == {"train": 10, "val": 10}
    assert sum(name is not None for name in splits_of(store).values()) == 20
    assert "40 other pictures had a split before" in " ".join(report.notes)


def test_a_dry_run_changes_nothing(store):
    before = store.snapshot
    report = split(store, apply=False)
    assert sum(report.counts.values()) == 60
    assert store.snapshot == before


def test_the_order_in_which_pictures_came_does_not_matter(store, tmp_path):
    order = np.random.default_rng(1).permutation(60)
    other = fill(tmp_path / "b.tamis", scene(), order=order)
    a, b = split(store, seed=5), split(other, seed=5)
    assert splits_of(store) == splits_of(other)
    assert a == b
    split(other, seed=6)
    assert splits_of(store) != splits_of(other)


def test_check_finds_every_kind_of_leak(tmp_path):
    X = scene()
    X[1] = X[0]
    X[2] = X[0]
    columns = {
        "camera": ["one" if row in (20, 40) else None for row in range(60)],
        "content_hash": ["same" if row in (30, 31) else str(row) for row in range(60)],
    }
    store = fill(tmp_path / "l.tamis", X, columns)
    given = {row: ["train", "val", "test"][row % 3] for row in range(60)}
    mark(store, "split", given)
    report = check_splits(store, group="camera")
    found = {(leak.left, leak.right, leak.splits, leak.reason) for leak in report.leaks}
    assert found == {
        ("s00.jpg", "s01.jpg", ("train", "val"), "cosine similarity >= 0.95"),
        ("s00.jpg", "s02.jpg", ("train", "test"), "cosine similarity >= 0.95"),
        ("s01.jpg", "s02.jpg", ("val", "test"), "cosine similarity >= 0.95"),
        ("s30.jpg", "s31.jpg", ("train", "val"), "same content_hash"),
        ("s40.jpg", "s20.jpg", ("val", "test"), "same camera"),
    }
    assert report.leak_count == 5
    assert report.counts == {"train": 20, "val": 20, "test": 20}
    assert report.max_cross_similarity == pytest.approx(1)
    assert splits_of(store) == {f"s{row:02d}": name for row, name in given.items()}


def test_check_finds_torn_duplicates_by_their_marks(store):
    mark(store, "duplicate_group", {4: "g", 5: "g", 6: "g"}, verb="duplicates")
    mark(store, "split", {4: "train", 5: "extra", 6: "train", 7: "extra"})
    report = check_splits(store)
    assert [(leak.left, leak.right, leak.splits, leak.kind) for leak in report.leaks] == [
        ("s04.jpg", "s05.jpg", ("train", "extra"), "chain"),
        ("s05.jpg", "s06.jpg", ("extra", "train"), "chain"),
    ]
    assert {leak.reason for leak in report.leaks} == {"same duplicate_group"}
    assert report.leak_count == 2
    assert report.counts == {"train": 2, "extra": 2}


def test_check_of_a_split_made_here_is_clean(store):
    split(store)
    report = check_splits(store)
    assert (report.leaks, report.leak_count) == ([], 0)


def test_leaks_beyond_the_list_are_counted(tmp_path):
    X = np.repeat(scene(1), 80, axis=0)
    store = fill(tmp_path / "many.tamis", X)
    mark(store, "split", {row: "ab"[row % 2] for row in range(80)})
    report = check_splits(store, threshold=0.99)
    assert (len(report.leaks), report.leak_count) == (1000, 1600)
    mark(store, "duplicate_group", dict.fromkeys(range(80), "g"), verb="duplicates")
    report = check_splits(store)
    assert (len(report.leaks), report.leak_count, report.copies) == (1000, 1600, 1600)


def test_pairs_that_were_not_looked_at_are_counted(tmp_path):
    X = np.repeat(scene(20), 20, axis=0)
    store = fill(tmp_path / "many.tamis", X)
    mark(store, "split", {row: "ab"[row % 2] for row in range(400)})
    report = check_splits(store)
    assert 1000 <= report.leak_count < 2000
    assert len(report.leaks) == 1000
    more = f"{2000 - report.leak_count} more pairs across splits"
    assert any(note.startswith(more) for note in report.notes)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"train": 0.8, "val": 0.1, "test": 0.2}, "sum to 1.1"),
        ({"train": 1.2, "val": -0.2, "test": 0}, "train is 1.2; give a value from 0 to 1"),
        ({"column": "fold"}, "the column fold says what to check"),
        ({"audit": True, "folds": 3}, "a check audits splits that exist: leave out folds"),
        ({"group": "no_such"}, "no column 'no_such'"),
        ({"group": "tags"}, "cannot group pictures"),
        ({"where": "sample_id = 'x'"}, "no picture to split"),
        ({"threshold": 2}, "threshold is 2; give a value from -1 to 1"),
        ({"where": "sample_id < 's02'"}, "2 groups that must stay whole, too few for 3 splits"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(store, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        split(store, **options)
    assert store.snapshot == before


def test_check_without_splits_says_what_to_do(store):
    with pytest.raises(UsageError, match="run  tamis split  first"):
        check_splits(store)


def test_a_video_is_torn_whose_frames_are_in_more_than_one_split(tmp_path):
    videos = ["a", "a", "a", "b", "b", "c", "d", "d", None, None]
    ids = [f"s{number}" for number in range(len(videos))]
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        paths = [f"{name}.jpg" for name in ids]
        op.require_columns(pa.schema([("video", pa.string())]))
        op.insert(pa.table({"sample_id": ids, "path": paths, "video": pa.array(videos)}))
    placed = np.array([0, 0, 1, 1, 1, 0, 2, 0, 0, 1])
    assert torn_videos(store, ids, placed) == 2  # a and d
    assert torn_videos(store, ids, np.zeros(len(ids), int)) == 0


def test_a_video_that_cannot_stay_whole_is_cut_into_tenths(tmp_path, monkeypatch):
    order = np.random.default_rng(0).permutation(100)
    ids = [f"s{number:02}" for number in order]
    store = Store.create(tmp_path / "d.tamis")
    columns = {
        "video": pa.array(["a"] * 100),
        "frame": pa.array(order, pa.int64()),
        "seconds": pa.array(4.0 * order),
    }
    with store.operation("add") as op:
        op.require_columns(pa.schema([(name, array.type) for name, array in columns.items()]))
        op.insert(pa.table({"sample_id": ids, "path": [f"{name}.jpg" for name in ids], **columns}))
    one_shot = np.zeros(100, np.int64)
    monkeypatch.setattr(video_groups, "shots_of", lambda *_: one_shot)
    groups, [note] = video_groups.default_groups(
        store, ids, np.full(100, -1), np.array([80, 10, 10])
    )
    assert groups.keys() == {video_groups.STRETCH}
    np.testing.assert_array_equal(groups[video_groups.STRETCH], order // 10)
    assert "of 1 video" in note
    assert "--time-block 10s " in note  # of 400 seconds, 20 blocks or more

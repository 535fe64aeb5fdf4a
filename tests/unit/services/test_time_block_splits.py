"""Splits by blocks of time: what stays whole, what the gap leaves out, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from splitting import check_splits, split
from tamis.dataset.commands import command_of
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.services.split.blocks import parse_duration

COUNT = 120
START = datetime(2026, 5, 1, 8)  # noqa: DTZ001 - cameras write no zone
HALVES = {"train": 0.5, "val": 0.25, "test": 0.25}


@pytest.fixture
def make(tmp_path):
    """Makes a dataset of 120 pictures with vectors and some columns."""

    def made(columns, order=range(COUNT), name="a"):
        order = list(order)
        table = {
            "sample_id": [f"s{row:03}" for row in order],
            "path": [f"{row:03}.jpg" for row in order],
            "content_hash": [f"hash {row}" for row in order],
            "phash": pa.array([7 * row for row in order], pa.int64()),
        }
        inserted = {"camera", "captured_at", "video", "seconds"}
        table |= {
            key: pa.array([values[row] for row in order])
            for key, values in columns.items()
            if key in inserted
        }
        marks = {
            key: pa.array([values[row] for row in order])
            for key, values in columns.items()
            if key not in inserted
        }
        store = Store.create(tmp_path / f"{name}.tamis")
        fields = [("video", pa.string()), ("seconds", pa.float64())]
        with store.operation("add") as op:
            op.require_columns(pa.schema([field for field in fields if field[0] in columns]))
            op.insert(pa.table(table))
        with store.operation("embed") as op:
            column = op.add_vector_column("test:random", "0123456789abcdef", 16)
            rows = np.random.default_rng(0).standard_normal((COUNT, 16)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            op.set_vectors(column, [f"s{row:03}" for row in range(COUNT)], rows)
        if marks:
            with store.operation("label") as op:
                op.set_marks(table["sample_id"], marks)
        return store

    return made


def read(store, column="split"):
    rows = store.read(["sample_id", column]).to_pylist()
    return {int(row["sample_id"][1:]): row[column] for row in rows}


def every(seconds, rows=range(COUNT)):
    """A picture every so many seconds."""
    return [START + timedelta(seconds=seconds * row) for row in rows]


def nearest_across(marked, times, sources=None):
    """The least time between two pictures of one source in two splits, in seconds."""
    sources = sources or [0] * COUNT
    return min(
        abs((times[a] - times[b]).total_seconds())
        for a in range(COUNT)
        for b in range(a)
        if sources[a] == sources[b] and None not in (marked[a], marked[b])
        if marked[a] != marked[b]
    )


@pytest.mark.parametrize("seed", range(4))
def test_blocks_stay_whole_and_splits_keep_a_gap(make, seed):
    times = every(6)
    store = make({"captured_at": times})
    report = split(store, **HALVES, time_block="1m", gap="13s", seed=seed)
    marked = read(store)
    for block in range(0, COUNT, 10):
        assert len({marked[row] for row in range(block, block + 10)} - {None}) == 1
    assert nearest_across(marked, times) >= 13
    assert nearest_across(marked, times) < 30  # no more than needed
    out = [row for row in range(COUNT) if marked[row] is None]
    assert out
    [note] = [note for note in report.notes if "lie nearer than 13 s" in note]
    assert note.startswith(f"{len(out)} pictures")
    assert sum(report.counts.values()) == sum(report.targets.values()) == COUNT - len(out)
    assert report.leak_count == 0
    assert "block of time" in report.grouped_by
    assert check_splits(store, time_block="1m", gap="13s").leak_count == 0


def test_the_gap_is_a_tenth_of_a_block_and_may_be_none(make):
    times = every(6)
    store = make({"captured_at": times})
    split(store, **HALVES, time_block=100)
    assert nearest_across(read(store), times) >= 10
    report = split(store, **HALVES, time_block=100, gap=0)
    assert None not in read(store).values()
    assert not any("lie nearer" in note for note in report.notes)


def test_cameras_have_clocks_of_their_own_and_so_have_videos(make):
    # Two cameras and two videos, all four taken at the same times.
    source = [row % 4 for row in range(COUNT)]
    at = [START + timedelta(seconds=6 * (row // 4)) for row in range(COUNT)]
    columns = {
        "camera": [{0: "left", 1: "right"}.get(one) for one in source],
        "captured_at": [time if one < 2 else None for one, time in zip(source, at, strict=True)],
        "video": [{2: "/a.mp4", 3: "/b.mp4"}.get(one) for one in source],
        "seconds": [
            (time - START).total_seconds() if one >= 2 else None
            for one, time in zip(source, at, strict=True)
        ],
    }
    store = make(columns)
    report = split(store, **HALVES, time_block="30s", gap="7s", seed=3)
    marked = read(store)
    for one in range(4):
        for block in range(6):
            rows = [row for row in range(COUNT) if source[row] == one and row // 20 == block]
            assert len({marked[row] for row in rows} - {None}) <= 1
    assert nearest_across(marked, at, source) >= 7
    assert report.groups >= 20  # blocks of different sources are not joined
    assert None in marked.values()
    # On the clock of the cameras alone, what happened at one time is one block.
    columns = {"captured_at": at, "video": columns["video"], "seconds": columns["seconds"]}
    store = make(columns, name="clock")
    split(store, **HALVES, time_block="30s", gap=0, block_by="captured_at")
    marked = read(store)
    for block in range(6):
        assert len({marked[row] for row in range(20 * block, 20 * block + 20)}) == 1


@pytest.mark.parametrize(
    "moment",
    [
        lambda row: START + timedelta(days=row // 10),
        lambda row: datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=row // 10),
        lambda row: date(2026, 5, 1) + timedelta(days=row // 10),
        lambda row: 86_400 * (row // 10),
        lambda row: 86_400.0 * (row // 10) + row,
    ],
)
def test_any_column_of_times_or_seconds_makes_blocks(make, moment):
    store = make({"taken": [moment(row) for row in range(COUNT)]})
    split(store, **HALVES, time_block="1d", gap=0, block_by="taken")
    marked = read(store)
    for day in range(COUNT // 10):
        assert len({marked[row] for row in range(10 * day, 10 * day + 10)}) == 1


def test_the_past_trains_and_the_gap_lies_at_the_cuts(make):
    times = every(6)
    store = make({"captured_at": times})
    report = split(store, **HALVES, time="captured_at", time_block="1m", gap="20s")
    marked = read(store)
    assert [marked[row] for row in (0, 119)] == ["train", "test"]
    assert sum(split is None for split in marked.values()) <= 8
    assert nearest_across(marked, times) >= 20
    for name in HALVES:
        last = max(times[row] for row in range(COUNT) if marked[row] == name)
        assert report.cuts[name] == str(last)


def test_folds_keep_the_gap_too(make):
    times = every(6)
    store = make({"captured_at": times})
    split(store, folds=4, time_block="1m", gap="13s")
    assert nearest_across(read(store, "fold"), times) >= 13


def test_pictures_without_a_time_are_free_and_told(make):
    times = [None if row % 10 == 3 else time for row, time in enumerate(every(6))]
    store = make({"captured_at": times})
    report = split(store, **HALVES, time_block="1m", gap="13s")
    marked = read(store)
    assert all(marked[row] is not None for row in range(3, COUNT, 10))
    assert any(note.startswith("12 pictures have no capture time") for note in report.notes)


def test_a_copy_that_lost_its_time_is_left_out_with_its_original(make):
    times = [None if row == 60 else time for row, time in enumerate(every(6))]
    store = make({"captured_at": times})
    split(store, **HALVES, time_block="1m", gap="13s", seed=1)
    marked = read(store)
    assert marked[60] is not None
    out = next(row for row in range(COUNT) if marked[row] is None)
    with store.operation("duplicates") as op:
        op.set_marks([f"s{out:03}", "s060"], {"duplicate_group": ["one", "one"]})
    found = set()
    for seed in range(6):
        split(store, **HALVES, time_block="1m", gap="13s", seed=seed)
        marked = read(store)
        assert marked[60] == marked[out]
        found.add(marked[60])
    assert None in found


def test_the_order_of_pictures_does_not_matter(make):
    times = every(6)
    one = make({"captured_at": times})
    order = np.random.default_rng(0).permutation(COUNT).tolist()
    other = make({"captured_at": times}, order=order, name="b")
    assert split(one, time_block="1m") == split(other, time_block="1m")
    assert read(one) == read(other)


def test_an_audit_finds_torn_blocks_and_splits_too_near_in_time(make):
    times = every(6)
    halves = ["train" if row // 10 % 2 else "test" for row in range(COUNT)]
    store = make({"captured_at": times, "split": halves})
    assert check_splits(store, time_block="1m", gap=0).leak_count == 0
    near = check_splits(store, time_block="1m", gap="7s")
    assert near.leak_count == 11
    assert {leak.kind for leak in near.leaks} == {"time"}
    assert near.leaks[0].reason == "less than 7 s apart"
    torn = check_splits(store, time_block="2m", gap=0)
    assert torn.leak_count == 6
    assert {leak.kind for leak in torn.leaks} == {"group"}
    assert torn.leaks[0].reason == "same block of time"


def test_the_log_can_be_run_again(make):
    store = make({"captured_at": every(6)})
    split(store, time_block="1m", gap="5s", changed="apart")
    line = command_of(store.log()[-1])
    assert "--time-block 1m --gap 5s" in line
    assert "--changed apart" in line
    store.undo()
    assert set(read(store).values()) == {None}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"time_block": "soon"}, "'soon' is no duration: give a number with s, m, h or d"),
        ({"time_block": "-3m"}, "'-3m' is no duration"),
        ({"time_block": "0s"}, "must last longer than 0 s"),
        ({"time_block": "1m", "gap": "2m"}, "a gap of 2m is longer than a block of 1m"),
        ({"time_block": "1m", "gap": "x"}, "'x' is no duration"),
        ({"gap": "2m"}, "a gap of 2m is for blocks of time: give their length"),
        ({"block_by": "captured_at"}, "the column 'captured_at' is for blocks of time"),
        ({"time_block": "1m", "block_by": "nowhere"}, "no column 'nowhere'"),
        ({"time_block": "1m", "block_by": "camera"}, "cannot be cut into blocks of time"),
        ({"time_block": "1m", "block_by": "never"}, "no picture has a time .* none has never"),
        ({"time_block": "20m"}, "too few for 3 splits|one group holds 120"),
        (
            {
                "time_block": "10s",
                "gap": "7s",
                "where": "sample_id IN ('s001', 's002')",
                "train": 0.5,
                "val": 0.5,
                "test": 0,
            },
            "a gap of 7 s leaves nothing in (train|val): make the gap shorter",
        ),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(make, options, sentence):
    store = make({"captured_at": every(6), "never": pa.array([None] * COUNT, pa.float64())})
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        split(store, **options)
    assert store.snapshot == before


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5h", 5400), (".5m", 30), (" 2 d ", 172_800), (45, 45), (0.25, 0.25)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds

"""Scenarios by split: every picture is counted once, gaps are found, commands fill them."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from command_line import CommandLine
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.coverage.contract import Coverage
from tamis.services.coverage.run import coverage

COUNT = 24
SPLITS = ["train", "train", "test", None]


@pytest.fixture
def store(tmp_path):
    """Two dozen pictures, one an hour; those at night have no split or are in train."""
    store = Store.create(tmp_path / "dataset.tamis")
    ids = [f"s{n:02d}" for n in range(COUNT)]
    with store.operation("add") as op:
        op.insert(
            pa.table(
                {
                    "sample_id": ids,
                    "path": [f"{one}.jpg" for one in ids],
                    "captured_at": pa.array(
                        [datetime(2026, 5, 1, n, 30, tzinfo=UTC) for n in range(COUNT)],
                        pa.timestamp("us", "UTC"),
                    ),
                    "latitude": [48.2 + 0.1 * (n % 2) for n in range(COUNT)],
                    "longitude": [16.4] * COUNT,
                    "camera": ["it's one", "two"] * (COUNT // 2),
                }
            )
        )
        op.set_marks(ids, {"split": pa.array([SPLITS[n % 4] for n in range(COUNT)])})
        op.set_marks(ids, {"line": pa.array([n % 3 for n in range(COUNT)], pa.int32())})
    return store


def found(store, *by, **options):
    return coverage(Workspace(store), Coverage(by or None, **options))


@pytest.mark.parametrize("by", ["hour", "month", "place", "camera", "line"])
def test_every_picture_is_counted_once(store, by):
    report = found(store, by)
    assert sum(one.pictures for one in report.scenarios) == COUNT
    for one in report.scenarios:
        assert sum(one.splits.values()) + one.free == one.pictures
        assert one.lacking == [name for name, count in one.splits.items() if not count]
    assert (report.splits, report.free) == ({"train": 12, "test": 6}, 6)


def test_whole_numbers_are_in_the_order_of_numbers(store):
    with store.operation("cluster") as op:
        clusters = pa.array([(5 * n) % 12 - 1 for n in range(COUNT)], pa.int32())
        op.set_marks([f"s{n:02d}" for n in range(COUNT)], {"cluster": clusters})
    scenarios = found(store, "cluster").scenarios
    assert [one.value for one in scenarios] == [str(number) for number in range(-1, 11)]
    assert [one.pictures for one in scenarios] == [2] * 12


def test_what_is_known_is_looked_at_without_being_named(store):
    assert {one.by for one in found(store).scenarios} == {"hour", "place", "camera"}


def test_gaps_are_counted_from_the_least(store):
    assert [gap.value for gap in found(store, "camera").gaps] == ["two"]
    more = found(store, "camera", least=7)
    assert [(gap.value, list(gap.lacking)) for gap in more.gaps] == [
        ("it's one", ["train", "test"]),
        ("two", ["train", "test"]),
    ]


@pytest.mark.parametrize("by", ["hour", "place", "camera", "line"])
def test_the_command_of_a_gap_finds_the_free_pictures_of_its_scenario(store, by):
    for gap in found(store, by, least=100).gaps:
        words = shlex.split(gap.command)
        assert words[:3] == ["tamis", "select", "20"]
        assert store.count(words[words.index("--where") + 1]) == gap.free
        assert words[-2:] == ["-d", str(store.path)]


def test_a_label_is_filled_by_example(store, tmp_path):
    with store.operation("label") as op:
        op.set_marks(["s00", "s04"], {"label": ["cat", "cat"]})
    (gap,) = found(store, "label").gaps
    assert (gap.value, list(gap.lacking)) == ("cat", ["test"])
    at = f"-d {store.path}"
    assert gap.command == f"tamis search --like s00 -k 20 --where 'label IS NULL' {at}"


def test_the_command_line_prints_a_line_a_scenario_and_the_commands(store, tmp_path):
    said = CommandLine(tmp_path)("coverage", "camera").out.splitlines()
    assert " ".join(said[0].split()) == "scenario value pictures train test no split lacking in"
    assert said[2].split() == ["camera", "two", "12", "6", "0", "6", "test"]
    assert "1 gap among 2 scenarios" in said
    assert any("tamis select 20 --where" in line for line in said)


def test_what_makes_no_scenarios_is_refused(store):
    with pytest.raises(UsageError, match=r"'latitude' holds .* makes no scenarios"):
        found(store, "latitude")
    with pytest.raises(UsageError, match="no picture to count that meets"):
        found(store, "camera", where="camera = 'three'")
    with pytest.raises(UsageError, match="bogus"):
        found(store, "bogus")


def test_without_splits_there_are_counts_and_a_note(store):
    report = found(store, "camera", where="split IS NULL")
    assert report.gaps == []
    assert "run  tamis split" in report.notes[0]

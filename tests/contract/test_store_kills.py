"""A writer may die at any moment: what was committed stands, and what was not never happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from store_worker import CRASH_POINTS, ROWS_A_STEP, take_step, write_all_at_once

from sample_rows import content, insert, sample_ids, sample_vectors
from tamis.dataset.store import Store

WORKER = Path(__file__).with_name("store_worker.py")


def run_worker(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


# Dying at chosen points


@pytest.fixture
def fragmented(tmp_path: Path) -> Store:
    """A dataset of so many fragments that the next insertion merges them."""
    store = Store.create(tmp_path / "birds.tamis")
    for start in range(0, 160, 10):
        insert(store, start, start + 10)
    with store.operation("label") as op:
        op.set_marks(sample_ids(0, 160), {"label": ["old"] * 160})
    return store


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the change leads to when nothing dies."""
    store = Store.create(tmp_path_factory.mktemp("written") / "birds.tamis")
    for start in range(0, 160, 10):
        insert(store, start, start + 10)
    write_all_at_once(store)
    return visible(store)


def visible(store: Store) -> dict[str, object]:
    tables = content(store)
    return {**tables, "failed": tables["failed"].drop_columns(["time"])}


def assert_no_version_without_a_name(store: Store) -> None:
    snapshots = store._chain.all()
    for table in ("samples", "failed"):
        manifests = [*(store.path / f"{table}.lance" / "_versions").glob("*.manifest")]
        assert len(manifests) == len({snapshot.after[table] for snapshot in snapshots})


WRITE_POINTS = [point for point in CRASH_POINTS if point not in ("once restored", "amid cleaning")]
COMMITTED = ("just after the snapshot", "amid dropping steps")


@pytest.mark.parametrize("point", WRITE_POINTS)
def test_a_write_that_dies_happened_wholly_or_not(
    fragmented: Store, written: dict[str, object], point: str
) -> None:
    before = visible(fragmented)
    done = run_worker("crash", fragmented.path, point, "write")
    assert done.returncode == 9, done.stderr

    store = Store.open(fragmented.path)
    assert visible(store) == (written if point in COMMITTED else before)
    if point not in COMMITTED:
        assert store.log()[-1].verb == "label"
        write_all_at_once(store)
    assert visible(store) == written
    assert store.gc().files > 0
    assert store.gc().files == 0
    assert_no_version_without_a_name(store)
    assert visible(Store.open(store.path)) == written
    assert [entry.state for entry in store.log()] == ["done"] * 19
    store.undo()
    assert visible(store) == before
    assert Store.open(store.path, snapshot=2).count() == 10


@pytest.mark.parametrize("point", ["once restored", "just before the snapshot"])
def test_an_undo_that_dies_did_not_happen(fragmented: Store, point: str) -> None:
    before = visible(fragmented)
    done = run_worker("crash", fragmented.path, point, "undo")
    assert done.returncode == 9, done.stderr
    store = Store.open(fragmented.path)
    assert visible(store) == before
    assert store.gc().files > 0
    assert visible(store) == before
    assert store.undo().verb == "label"
    assert store.count("label IS NULL") == 160


def test_cleaning_that_dies_loses_nothing_and_is_finished_later(
    fragmented: Store, written: dict[str, object]
) -> None:
    before = visible(fragmented)
    for _ in range(2):
        done = run_worker("crash", fragmented.path, "just before the snapshot", "write")
        assert done.returncode == 9, done.stderr
    done = run_worker("crash", fragmented.path, "amid cleaning", "gc")
    assert done.returncode == 9, done.stderr
    store = Store.open(fragmented.path)
    assert visible(store) == before
    assert store.gc().files > 0
    assert store.gc().files == 0
    assert visible(store) == before
    write_all_at_once(store)
    assert visible(store) == written


def test_orphans_of_a_large_write_are_given_back(fragmented: Store) -> None:
    run_worker("crash", fragmented.path, "once columns are edited", "write")
    data = fragmented.path / "samples.lance" / "data"
    orphans = set(data.iterdir())
    freed = fragmented.gc()
    gone = orphans - set(data.iterdir())
    assert len(gone) >= 3
    assert freed.bytes >= 1000


# Dying at any moment


@dataclass
class Model:
    """What the dataset of `take_steps` holds, in plain Python."""

    labels: dict[str, str | None] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def copy(self) -> Model:
        return Model({**self.labels}, {**self.vectors}, [*self.failures])


def model_at(snapshot: int) -> Model:
    """The model at a snapshot, by taking the steps of `store_worker.take_step` anew."""
    states = [Model()]
    for step in range(1, snapshot):
        kind = ("insert", "label", "vectors", "insert", "undo", "label", "vectors")[step % 7]
        if kind == "undo":
            states.pop()
            continue
        state = states[-1].copy()
        if kind == "insert":
            start = step * ROWS_A_STEP
            state.labels |= dict.fromkeys(sample_ids(start, start + ROWS_A_STEP))
            state.failures.append(f"{step}.jpg")
        elif kind == "label":
            state.labels = dict.fromkeys(state.labels, f"step {step}")
        else:
            state.vectors |= {i: step for i in state.labels if int(i, 16) % 3 == step % 3}
        states.append(state)
    return states[-1]


def assert_equals_model(store: Store) -> None:
    model = model_at(store.snapshot)
    rows = store.read(["sample_id", "label", "width", "thumbnail"])
    assert dict(zip(rows["sample_id"].to_pylist(), rows["label"].to_pylist(), strict=True)) == (
        model.labels
    )
    assert rows["sample_id"].to_pylist() == [*model.labels]
    assert rows["width"].to_pylist() == [int(i, 16) for i in model.labels]
    assert all(len(picture) == 20_000 for picture in rows["thumbnail"].to_pylist())
    assert store.failures()["path"].to_pylist() == model.failures
    vectors: dict[str, np.ndarray] = {}
    for column in store.vector_columns():
        vectors = dict(zip(*store.vectors(column.name), strict=True))
    assert {*vectors} == {*model.vectors}
    for sample_id, step in model.vectors.items():
        number = int(sample_id, 16)
        expected = sample_vectors(number, number + 1)[0] + np.float32(step)
        assert np.array_equal(vectors[sample_id], expected)


def kill_once(store_path: Path, seconds: float) -> int:
    """Let a writer take steps, kill it, and return the last step it said it had committed."""
    command = [sys.executable, str(WORKER), "take-steps", str(store_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        first = worker.stdout.readline()
        time.sleep(seconds)
        worker.send_signal(signal.SIGKILL)
        told = [first, *worker.stdout.readlines()]
    assert worker.returncode == -signal.SIGKILL
    return int([line for line in told if line.endswith("\n")][-1])


@pytest.mark.parametrize(
    "seed", [1, 4, 7, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (0, 2, 3, 5, 6))]
)
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, seed: int) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    for step in range(1, 1 + seed * 3):
        take_step(store, step)
    told = kill_once(store.path, random.Random(seed).uniform(0.0, 0.4))
    store.refresh()
    assert told <= store.snapshot - 1 <= told + 1
    assert_equals_model(store)
    store.gc()
    assert store.gc().files == 0
    assert_equals_model(Store.open(store.path))
    for step in range(store.snapshot, store.snapshot + 3):
        take_step(store, step)
    assert_equals_model(store)

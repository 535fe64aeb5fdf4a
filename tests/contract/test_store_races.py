"""Several processes at one dataset."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sample_rows import content, insert, sample_ids, sample_rows
from tamis.dataset.store import Store
from tamis.errors import ConflictError

WORKER = Path(__file__).with_name("store_worker.py")


def start_worker(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("writers", [2, pytest.param(4, marks=pytest.mark.nightly)])
def test_the_same_new_keys_from_several_processes_are_stored_once(
    tmp_path: Path, writers: int
) -> None:
    rows = 400
    store = Store.create(tmp_path / "birds.tamis")
    go = tmp_path / "go"
    workers = [
        start_worker("insert-same-keys", store.path, go, seed, rows) for seed in range(writers)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    go.touch()
    results = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * writers, results
    counts = [[int(number) for number in out.split()] for out, _ in results]
    assert sum(conflicts for _, conflicts in counts) == 0

    store.refresh()
    ids = store.read(["sample_id"])["sample_id"].to_pylist()
    assert sorted(ids) == sample_ids(0, rows)
    assert sum(added for added, _ in counts) == rows
    logged = [entry for entry in store.log() if entry.verb == "add"]
    assert len(logged) == 8 * writers
    assert sum(entry.counts["added"] for entry in logged) == rows
    assert sum(entry.counts["known"] for entry in logged) == (writers - 1) * rows
    assert {entry.state for entry in logged} == {"done"}


def test_readers_beside_a_writer_always_see_whole_snapshots(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    enough = tmp_path / "enough"
    writer = start_worker("relabel", store.path, enough)
    seen: list[int] = []
    # The writer goes on until the readers have met it often, however fast either is.
    running = True
    while running:
        running = writer.poll() is None
        if len(seen) >= 40 and len(set(seen)) > 8:
            enough.touch()
        reader = Store.open(store.path) if len(seen) % 2 else store
        reader.refresh()
        labels = reader.read(["label"])["label"].to_pylist()
        failures = reader.failures()["path"].to_pylist()
        turn = reader.snapshot - 1
        assert failures == [f"{number}.jpg" for number in range(turn)]
        assert labels == [f"turn {turn - 1}"] * turn
        assert reader.count("label IS NOT NULL") == turn
        seen.append(reader.snapshot)
    out, err = writer.communicate()
    assert out == "done\n", err
    assert seen == sorted(seen)
    assert seen[-1] == Store.open(store.path).snapshot


def test_a_writer_that_waits_too_long_is_told_and_nothing_changes(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    insert(store, 0, 3)
    before = content(store)
    impatient = Store.open(store.path, lock_timeout=0.1)
    with (
        store._writer.locked("embed"),
        pytest.raises(ConflictError, match="'embed' in process"),
        impatient.operation("add") as op,
    ):
        op.insert(sample_rows(3, 6))
    assert content(Store.open(store.path)) == before
    with impatient.operation("add") as op:
        assert op.insert(sample_rows(3, 6)).added == 3


def test_threads_with_stores_of_their_own_take_turns(tmp_path: Path) -> None:
    path = Store.create(tmp_path / "birds.tamis").path

    def add(start: int) -> None:
        for number in range(start, start + 10):
            insert(Store.open(path), number, number + 3)

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 5, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = Store.open(path).read(["sample_id"])["sample_id"].to_pylist()
    assert sorted(ids) == sample_ids(0, 20)


def test_processes_that_create_one_dataset_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "birds.tamis"
    script = (
        "import sys; from tamis.dataset.store import Store\n"
        "with Store.open(sys.argv[1], create=True).operation('hello'): pass"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, path]) for _ in range(4)]
    assert [worker.wait(timeout=300) for worker in workers] == [0] * 4
    assert [entry.verb for entry in Store.open(path).log()] == ["create", *["hello"] * 4]
    assert [file.name for file in tmp_path.iterdir()] == ["birds.tamis"]

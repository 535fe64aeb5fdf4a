"""What every place for a dataset's small files has to keep: one suite for all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tamis.dataset.storage import LocalStorage, Storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPENED = {"local": "from pathlib import Path; from tamis.dataset.storage import LocalStorage\n"}
"""By kind, the code that lets another process open the place `sys.argv[1]` as `storage`."""
OPENED["local"] += "import sys; storage = LocalStorage(Path(sys.argv[1]))\n"


@pytest.fixture(params=list(OPENED))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Path:
    return tmp_path / "place"


@pytest.fixture
def opened(kind: str, place: Path) -> Callable[[], Storage]:
    """Open the place once more, as another process would."""
    return {"local": lambda: LocalStorage(place)}[kind]


@pytest.fixture
def storage(opened: Callable[[], Storage]) -> Storage:
    return opened()


@pytest.fixture
def elsewhere(kind: str, place: Path) -> Callable[[str], subprocess.Popen[str]]:
    """Run code in another process, which has `storage`."""

    def run(code: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", OPENED[kind] + code, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return run


def test_a_key_holds_what_was_put_last(storage: Storage, opened: Callable[[], Storage]) -> None:
    assert not storage.exists("a")
    with pytest.raises(FileNotFoundError):
        storage.read("a")
    for data in (b"one", b"", bytes(range(256)) * 1000):
        storage.put("a", data)
        assert storage.read("a") == opened().read("a") == data
        assert storage.exists("a")
    assert storage.names() == ["a"]
    assert storage.drafts() == []


def test_keys_are_listed_where_they_are(storage: Storage) -> None:
    assert storage.names() == storage.within("log").names() == []
    storage.put("b", b"1")
    storage.within("log").put("00000002.json", b"2")
    storage.within("log").put("00000001.json", b"1")
    assert storage.within("log").names() == ["00000001.json", "00000002.json"]
    assert storage.read("log/00000002.json") == b"2"
    assert "b" in storage.names()
    assert storage.within("log").place.endswith("log")


def test_a_key_is_removed_once(storage: Storage) -> None:
    storage.put("a", b"four")
    assert storage.remove("a") == 4
    assert storage.remove("a") == 0
    assert not storage.exists("a")
    assert storage.put_if_absent("a", b"new")


def test_a_key_that_holds_something_keeps_it(storage: Storage) -> None:
    assert storage.put_if_absent("a", b"first")
    assert not storage.put_if_absent("a", b"second")
    assert storage.read("a") == b"first"
    assert storage.drafts() == []


def test_of_many_threads_one_is_told_that_it_put_a_key(opened: Callable[[], Storage]) -> None:
    threads, rounds = 8, 25
    start = threading.Barrier(threads)

    def put(number: int) -> list[bool]:
        storage = opened()
        told = []
        for turn in range(rounds):
            start.wait()
            told.append(storage.put_if_absent(f"{turn}", f"{number}".encode() * 1000))
        return told

    with ThreadPoolExecutor(threads) as pool:
        told = list(pool.map(put, range(threads)))
    for turn in range(rounds):
        winners = [number for number in range(threads) if told[number][turn]]
        assert len(winners) == 1
        assert opened().read(f"{turn}") == f"{winners[0]}".encode() * 1000


def test_of_many_processes_one_is_told_that_it_put_a_key(
    storage: Storage, elsewhere: Callable[[str], subprocess.Popen[str]]
) -> None:
    code = (
        "import os; print('ready', flush=True); sys.stdin.readline()\n"
        "me = str(os.getpid()).encode()\n"
        "print([storage.put_if_absent(str(n), me) for n in range(200)], os.getpid())\n"
    )
    others = [elsewhere(code) for _ in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    said = []
    for other in others:
        assert other.stdin is not None
        other.stdin.write("go\n")
        other.stdin.flush()
    for other in others:
        out, _ = other.communicate()
        told, _, process = out.rpartition(" ")
        said.append(([word == "True" for word in told.strip("[]").split(", ")], process.strip()))
    for number in range(200):
        winners = [process for told, process in said if told[number]]
        assert winners == [storage.read(str(number)).decode()]


def test_readers_see_the_old_or_the_new(opened: Callable[[], Storage]) -> None:
    storage = opened()
    storage.put("a", b"0" * 10_000)
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        reader = opened()
        while not stop.is_set():
            data = reader.read("a")
            seen.add(data[:1])
            assert data == data[:1] * 10_000

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        for number in range(50):
            storage.put("a", str(number % 10).encode() * 10_000)
        stop.set()
        for one in reading:
            one.result()
    assert seen


def test_a_key_is_held_by_one(opened: Callable[[], Storage]) -> None:
    storage = opened()
    assert not storage.is_locked("lock")
    held = storage.lock("lock", b"me")
    assert held is not None
    assert opened().lock("lock") is None
    assert opened().is_locked("lock")
    assert opened().read("lock") == b"me"
    held.release()
    held.release()
    assert not opened().is_locked("lock")
    other = opened().lock("lock", b"you")
    assert other is not None
    assert storage.read("lock") == b"you"
    other.release(remove=True)
    assert not storage.exists("lock")


def test_the_death_of_the_holder_frees_a_key(
    storage: Storage, elsewhere: Callable[[str], subprocess.Popen[str]]
) -> None:
    holder = elsewhere("storage.lock('lock', b'it'); print(1, flush=True); sys.stdin.read()\n")
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "1\n"
        assert storage.lock("lock") is None
        assert storage.is_locked("lock")
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    lock = storage.lock("lock")
    assert lock is not None
    lock.release()


def test_what_a_place_refuses_is_an_error_and_leaves_what_was(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("a", b"old")
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", _full)
        for put in (storage.put, storage.put_if_absent):
            with pytest.raises(OSError, match="No space"):
                put("a", b"new")
            with pytest.raises(OSError, match="No space"):
                put("b", b"new")
    assert storage.read("a") == b"old"
    assert storage.names() == ["a"]
    assert storage.drafts() == []


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")

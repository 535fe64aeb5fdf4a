from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tamis.dataset.lock import Presence, RunningOperations, writer_lock
from tamis.dataset.storage import LocalStorage
from tamis.errors import ConflictError

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.storage import Lock


def test_a_second_writer_waits_then_is_told_who_is_busy(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with writer_lock(storage, "lock", "embed"):
        begin = time.monotonic()
        with (
            pytest.raises(
                ConflictError,
                match=rf"busy for 0 s: 'embed' in process {os.getpid()} on .*, since .*nothing was",
            ),
            writer_lock(storage, "lock", "add", timeout=0.2),
        ):
            pass
        assert time.monotonic() - begin >= 0.2
    with writer_lock(storage, "lock", "add", timeout=0):
        pass


def test_a_lock_file_that_names_nobody_is_no_obstacle(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    lock = tmp_path / "lock"
    lock.write_bytes(b"\xff{")
    with writer_lock(storage, "lock", "add"):
        lock.write_bytes(b"\xff{")
        with (
            pytest.raises(ConflictError, match="one that has not said who it is"),
            writer_lock(storage, "lock", "add", timeout=0),
        ):
            pass


def test_the_lock_is_freed_by_an_exception(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writer_lock(LocalStorage(tmp_path), "lock", "add"):
        raise KeyError
    with writer_lock(LocalStorage(tmp_path), "lock", "add", timeout=0):
        pass


def test_a_waiting_writer_gets_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    waits = threading.Event()
    lock = LocalStorage.lock

    def note(storage: LocalStorage, key: str, said: bytes = b"") -> Lock | None:
        got = lock(storage, key, said)
        if got is None:
            waits.set()
        return got

    monkeypatch.setattr(LocalStorage, "lock", note)

    def second() -> None:
        with writer_lock(LocalStorage(tmp_path), "lock", "second", timeout=60):
            order.append("second")

    with writer_lock(LocalStorage(tmp_path), "lock", "first"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_running_operations_are_told_from_dead_ones(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "running")
    running = RunningOperations(storage)
    assert not running.is_running(3)
    assert running.left_behind() == []
    presence = Presence(storage)
    with presence.shown(3):
        assert running.is_running(3)
    assert running.is_running(3)
    assert running.left_behind() == []
    assert presence._lock is not None
    presence._lock.release()  # what the death of the process does
    assert not running.is_running(3)
    assert running.left_behind() == ["00000003.lock"]
    other = Presence(storage)
    with other.shown(4):
        pass
    other.leave()
    assert running.left_behind() == ["00000003.lock"]


def test_an_operation_that_cannot_begin_is_not_shown(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "running")
    with pytest.raises(OSError, match="full"), Presence(storage).shown(5):
        raise OSError("the disk is full")
    assert not RunningOperations(storage).is_running(5)
    assert RunningOperations(storage).left_behind() == []

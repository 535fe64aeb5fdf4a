# ruff: noqa: PT012 - it is leaving the operation's block that raises
"""A full disk costs the operation, and nothing else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sample_rows import content, file_sizes, insert, sample_ids, sample_rows
from tamis.dataset.fragments import TableVersion
from tamis.dataset.store import Store
from tamis.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[1]

WRITE_TOO_MUCH = """
import json, resource, sys
sys.path.insert(0, sys.argv[2])
from sample_rows import content, file_sizes, sample_rows
from tamis.dataset.store import Store
from tamis.errors import StorageError

store = Store.open(sys.argv[1])
before, sizes = content(store), file_sizes(store.path)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
message = None
try:
    with store.operation("add") as op:
        op.insert(sample_rows(100, 600, thumbnail_bytes=10_000))
except StorageError as error:
    message = str(error)
left = {file.name for file in file_sizes(store.path).keys() - sizes.keys()}
print(json.dumps([message, content(Store.open(store.path)) == before, sorted(left)]))
"""


def test_a_file_that_cannot_grow_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    insert(store, 0, 100)
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, store.path, TESTS],
        capture_output=True,
        text=True,
        check=True,
    )
    message, unchanged, left = json.loads(done.stdout)
    assert message is not None
    assert "could not write" in message
    assert "the disk is full. Nothing half-written is kept; free some space" in message
    assert unchanged
    assert left == []
    store.refresh()
    with store.operation("add") as op:
        assert op.insert(sample_rows(100, 600)).added == 500


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB of its own, where the user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    store = Store.create(small_disk / "birds.tamis")
    insert(store, 0, 100)
    before, sizes = content(store), file_sizes(store.path)
    for _ in range(3):
        with (
            pytest.raises(StorageError, match=r"could not write .*: the disk is full"),
            store.operation("add") as op,
        ):
            op.insert(sample_rows(100, 1100, thumbnail_bytes=10_000))
        assert content(Store.open(store.path)) == before
        assert file_sizes(store.path).keys() == sizes.keys()
    with store.operation("add") as op:
        op.insert(sample_rows(100, 110))
    assert store.count() == 110


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (TableVersion, "append"),
        (TableVersion, "add_null_columns"),
        (TableVersion, "update_columns"),
        (os, "link"),
        (os, "fsync"),
    ],
)
def test_a_disk_that_fills_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    insert(store, 0, 10)
    before, sizes = content(store), file_sizes(store.path)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, full)
        with pytest.raises(StorageError, match="disk is full"), store.operation("mix") as op:
            op.insert(sample_rows(10, 20))
            op.set_marks(sample_ids(0, 20), {"selected": [True] * 20})
    assert content(store) == content(Store.open(store.path)) == before
    assert file_sizes(store.path).keys() == sizes.keys()
    assert store.gc().files == 0
    with store.operation("mix") as op:
        op.insert(sample_rows(10, 20))
        op.set_marks(sample_ids(0, 20), {"selected": [True] * 20})
    assert store.count("selected") == 20


def test_an_operation_may_go_on_once_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "birds.tamis")
    with store.operation("add") as op:
        op.insert(sample_rows(0, 10))
        with monkeypatch.context() as patched:
            patched.setattr(os, "link", full)
            with pytest.raises(StorageError):
                op.checkpoint()
        op.checkpoint()
    assert store.count() == 10
    assert op.counts == {"added": 10, "known": 0}

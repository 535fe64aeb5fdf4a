# ruff: noqa: SIM117 - the inner block is the one under test
from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest

from tamis.dataset.storage_errors import filtering, storage_guard
from tamis.errors import ConflictError, StorageError, UsageError

PLACE = Path("birds.tamis")
RUST = ", /home/runner/work/lance/rust/lance-io/src/local.rs:273:40"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the disk is full"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "the disk is full"),
        (
            OSError(f"LanceError(IO): No space left on device (os error 28){RUST}"),
            "the disk is full",
        ),
        (RuntimeError(f"File too large (os error 27){RUST}"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "permission denied"),
        (ValueError(f"Permission denied (os error 13){RUST}"), "permission denied"),
        (OSError(errno.EPERM, os.strerror(errno.EPERM)), "the file system .* hard links"),
        (
            OSError(f"Unable to rename file: Operation not permitted (os error 1){RUST}"),
            "the file system .* hard links",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "a file .* is missing"),
        (pa.ArrowInvalid(f"External error: Not found: x.lance{RUST}"), "a file .* is missing"),
        (OSError(f"LanceError(IO): file size is too small{RUST}"), "a file .* is damaged .* check"),
        (OSError(f"LanceError(IO): something odd{RUST}"), ".*something odd$"),
    ],
)
def test_what_the_disk_refuses_becomes_a_sentence(error: Exception, sentence: str) -> None:
    match = rf"could not write birds\.tamis: {sentence}"
    with pytest.raises(StorageError, match=match) as raised:
        with storage_guard(PLACE, "write"):
            raise error
    assert ".rs" not in str(raised.value)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [ValueError("shape mismatch"), KeyError("x"), RuntimeError("odd")]
)
def test_a_defect_of_our_own_stays_visible(error: Exception) -> None:
    with pytest.raises(type(error)), storage_guard(PLACE, "write"):
        raise error
    with pytest.raises(type(error)), filtering(PLACE, "width < 5", ["width"]):
        raise error


def test_our_own_errors_pass() -> None:
    with pytest.raises(ConflictError), storage_guard(PLACE, "write"):
        raise ConflictError


def test_a_condition_is_blamed_only_for_its_own_faults() -> None:
    with (
        pytest.raises(UsageError, match=r"condition 'a < 5' cannot be used: No field named a\. It"),
        filtering(PLACE, "a < 5", ["b"]),
    ):
        raise OSError(
            f"Invalid user input: Schema error: No field named a. Valid fields are b.{RUST}"
        )
    with pytest.raises(StorageError), filtering(PLACE, "a < 5", ["a"]):
        raise OSError(f"LanceError(IO): No space left on device (os error 28){RUST}")
    with pytest.raises(StorageError), filtering(PLACE, None, ["a"]):
        raise OSError(f"Invalid user input: odd{RUST}")

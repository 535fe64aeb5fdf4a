"""Destinations appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from tamis.errors import StorageError, UsageError
from tamis.formats.exports.destination import new_file, new_folder

if TYPE_CHECKING:
    from pathlib import Path


def begin_and_fail(folder: Path, error: BaseException, *, overwrite: bool = False) -> None:
    with new_folder(folder, overwrite=overwrite) as draft:
        (draft / "x").touch()
        raise error


def test_a_folder_appears_with_its_content(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with new_folder(target) as draft:
        (draft / "x").write_text("1")
        assert not target.exists()
    assert [p.name for p in tmp_path.rglob("*")] == ["deep", "out", "x"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as draft:
        (draft / "x").touch()
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as draft:
        (draft / "y").touch()
    assert (tmp_path / "empty" / "y").exists()


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        begin_and_fail(tmp_path / "out", KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(UsageError, match="not empty"), new_folder(tmp_path / "out"):
        pass
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "mine"]


def test_overwriting_replaces_all_or_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    with pytest.raises(ZeroDivisionError):
        begin_and_fail(out, ZeroDivisionError(), overwrite=True)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "old"]
    with new_folder(out, overwrite=True) as draft:
        (draft / "new").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "new"]


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="is a file"), new_folder(tmp_path / "out"):
        pass


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(StorageError, match="No space left on device"):
        begin_and_fail(tmp_path / "out", full)
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_of_the_system_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="odd") as caught, new_file(tmp_path / "f"):
        raise OSError("odd")
    assert not isinstance(caught.value, StorageError)


def test_a_file_appears_whole(tmp_path: Path) -> None:
    with new_file(tmp_path / "f.txt") as draft:
        draft.write_text("whole")
        assert not (tmp_path / "f.txt").exists()
    assert (tmp_path / "f.txt").read_text() == "whole"
    with pytest.raises(UsageError, match="exists already"), new_file(tmp_path / "f.txt"):
        pass
    with new_file(tmp_path / "f.txt", overwrite=True) as draft:
        draft.write_text("newer")
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]
    assert (tmp_path / "f.txt").read_text() == "newer"


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"), new_file(tmp_path):
        pass


def test_permissions_follow_the_users_mask(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with new_folder(tmp_path / "out"):
        pass
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "out")}
    assert len(modes) == 1

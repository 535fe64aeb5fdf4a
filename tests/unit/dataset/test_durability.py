"""Files that appear whole or not at all."""

from __future__ import annotations

import pytest

from tamis.dataset.durability import replace_file
from tamis.errors import StorageError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    file = tmp_path / "new" / "state.json"
    replace_file(file, b"old")
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]


def test_what_was_there_stays_where_the_disk_refuses(tmp_path, monkeypatch):
    file = tmp_path / "state.json"
    replace_file(file, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*state\.json: no space left on device"):
        replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]

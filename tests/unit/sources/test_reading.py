from __future__ import annotations

import os
from pathlib import Path

import pytest

from tamis.errors import PictureError
from tamis.sources.reading import read_bytes


def reason(path: Path, **options: int) -> str:
    with pytest.raises(PictureError) as caught:
        read_bytes(str(path), "as/given.jpg", **options)
    assert caught.value.path == "as/given.jpg"
    return caught.value.reason


def test_bytes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"content")

    assert read_bytes(str(tmp_path / "a.jpg")) == b"content"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "knot.jpg").symlink_to(tmp_path / "knot.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"content")
    os.mkfifo(tmp_path / "pipe.jpg")

    assert reason(tmp_path / "gone.jpg") == "does not exist (any more)"
    assert reason(tmp_path / "link.jpg") == "does not exist (any more)"
    assert reason(tmp_path / "a.jpg" / "b.jpg") == "does not exist (any more)"
    assert reason(tmp_path / "knot.jpg").startswith("cannot be read: too many levels")
    assert reason(tmp_path / "folder.jpg") == "not a regular file"
    assert reason(tmp_path / "pipe.jpg") == "not a regular file"
    assert reason(tmp_path / "a.jpg", max_bytes=6) == "7 bytes are over the limit of 6"


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"content")

    assert read_bytes(str(tmp_path / "a.jpg"), max_bytes=7) == b"content"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(13, "Permission denied"), "no permission to read it"),
        (OSError(5, "Input/output error"), "cannot be read: input/output error"),
        (FileNotFoundError(2, "No such file"), "does not exist (any more)"),
    ],
)
def test_errors_of_the_disk(
    error: OSError, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"content")

    def refuse(self: Path, mode: str) -> object:
        raise error

    monkeypatch.setattr(Path, "open", refuse)

    assert reason(tmp_path / "a.jpg") == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"content")
    (tmp_path / "a.jpg").chmod(0)

    assert reason(tmp_path / "a.jpg") == "no permission to read it"

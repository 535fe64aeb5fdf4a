from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING

from tamis.sources.folder import UnreadableFolder, walk_pictures

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_pictures_come_sorted_at_any_depth(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a/2.PNG", "a/1.webp", "a/z/deep.tiff", "c.jpeg", "B.jpg")

    assert list(walk_pictures(str(tmp_path))) == [
        "B.jpg",
        "a/1.webp",
        "a/2.PNG",
        "a/z/deep.tiff",
        "b.jpg",
        "c.jpeg",
    ]


def test_what_is_hidden_or_no_picture_is_passed_over(tmp_path: Path) -> None:
    make(
        tmp_path,
        "ok.jpg",
        ".hidden.jpg",
        "._ok.jpg",
        ".git/x.jpg",
        "__MACOSX/ok.jpg",
        "@eaDir/ok.jpg/thumb.jpg",
        "notes.txt",
        "movie.mp4",
        "jpg",
        "old.tamis/x.jpg",
        "labels.csv",
    )

    assert list(walk_pictures(str(tmp_path))) == ["ok.jpg"]


def test_a_hidden_root_is_read(tmp_path: Path) -> None:
    make(tmp_path, ".photos/a.jpg")

    assert list(walk_pictures(str(tmp_path / ".photos"))) == ["a.jpg"]


def test_loops_of_links_end_and_nothing_is_listed_twice(tmp_path: Path) -> None:
    make(tmp_path, "root/a/1.jpg", "root/b/2.jpg", "outside/3.jpg", "outside/more/4.jpg")
    root = tmp_path / "root"
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "a" / "parent").symlink_to(tmp_path)
    (root / "again").symlink_to(root / "b")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "out2").symlink_to(tmp_path / "outside" / "more")
    (tmp_path / "outside" / "back").symlink_to(root)
    (tmp_path / "outside" / "more" / "up").symlink_to(tmp_path / "outside")
    (root / "knot").symlink_to(root / "knot")
    (root / "knot.jpg").symlink_to(root / "knot.jpg")

    assert list(walk_pictures(str(root))) == [
        "a/1.jpg",
        "b/2.jpg",
        "knot.jpg",
        "out/3.jpg",
        "out/more/4.jpg",
    ]


def test_a_doubling_chain_of_links_ends(tmp_path: Path) -> None:
    make(tmp_path, *(f"far/{level}/p.jpg" for level in range(25)))
    for level in range(24):
        for name in ("x", "y"):
            (tmp_path / "far" / str(level) / name).symlink_to(tmp_path / "far" / str(level + 1))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "in").symlink_to(tmp_path / "far" / "0")

    assert len(list(walk_pictures(str(tmp_path / "root")))) == 25


def test_links_to_files_are_followed_and_broken_ones_listed(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/real.bin", "root/a.jpg")
    (tmp_path / "root" / "b.jpg").symlink_to(tmp_path / "elsewhere" / "real.bin")
    (tmp_path / "root" / "c.jpg").symlink_to(tmp_path / "nowhere.jpg")

    assert list(walk_pictures(str(tmp_path / "root"))) == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/1.jpg", "closed/2.jpg", "z.jpg")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert list(walk_pictures(str(tmp_path))) == [
        "a/1.jpg",
        UnreadableFolder("closed", "permission denied"),
        "z.jpg",
    ]


def test_deep_folders_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    deepest = "/".join(["d"] * 300)
    make(tmp_path, f"{deepest}/p.jpg")
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        found = list(walk_pictures(str(tmp_path)))
    finally:
        sys.setrecursionlimit(usual)

    assert found == [f"{deepest}/p.jpg"]

"""The cache: what is kept comes back whole, or is built again."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis.encoders.cache import cache_folder, cached


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Builder:
    def __init__(self, content=b"graph"):
        self.content = content
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.content


def test_the_second_time_nothing_is_built(folder):
    build = Builder()
    assert [cached("a", build), cached("a", build)] == [b"graph", b"graph"]
    assert build.calls == 1
    assert {path.name for path in folder.iterdir()} == {"a", "a.sha256"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "a").write_bytes(b"grapH"),
        lambda folder: (folder / "a").write_bytes(b""),
        lambda folder: (folder / "a").unlink(),
        lambda folder: (folder / "a.sha256").unlink(),
        lambda folder: (folder / "a.sha256").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "a.sha256").write_text("0" * 64),
    ],
)
def test_what_is_damaged_is_built_again_and_kept(folder, damage):
    build = Builder()
    cached("a", build)
    damage(folder)
    assert cached("a", build) == b"graph"
    assert build.calls == 2
    cached("a", build)
    assert build.calls == 2


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "file" / "cache"))
    build = Builder()
    assert [cached("a", build), cached("a", build)] == [b"graph", b"graph"]
    assert build.calls == 2
    assert "TAMIS_CACHE" in caplog.text


def test_a_failed_write_leaves_nothing(folder, monkeypatch, caplog):
    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    assert cached("a", Builder()) == b"graph"
    assert list(folder.iterdir()) == []
    assert "No space left" in caplog.text


def test_racing_builders_all_get_whole_bytes(folder):
    content = os.urandom(1 << 20)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cached("a", Builder(content)), range(32)))
    assert set(results) == {content}
    assert {path.name for path in folder.iterdir()} == {"a", "a.sha256"}


def test_a_build_that_fails_keeps_nothing(folder):
    def fail():
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        cached("a", fail)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"TAMIS_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/tamis"),
        ("linux", {"XDG_CACHE_HOME": ""}, "/home/ada/.cache/tamis"),
        ("linux", {}, "/home/ada/.cache/tamis"),
        ("darwin", {}, "/home/ada/Library/Caches/tamis"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/tamis/Cache"),
        ("win32", {}, "/home/ada/AppData/Local/tamis/Cache"),
    ],
)
def test_the_folder_is_where_the_system_keeps_such_things(
    monkeypatch, platform, variables, expected
):
    for name in ("TAMIS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(expected)

"""Pictures that are gone: missing, replaced, or unreadable, in folders, archives and links."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from filling import ingest
from picture_files import photo_file
from tamis.dataset.presence import find_gone, gone_among, gone_ids
from tamis.dataset.store import Store

COUNT = 4


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.png").write_bytes(photo_file("PNG", seed=number))
    return folder


@pytest.fixture
def store(tmp_path, photos):
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(photos)])
    return store


def kinds(store, **options):
    return {Path(one.path).name: one.kind for one in find_gone(store, **options)}


def test_nothing_is_gone_at_first(store):
    assert find_gone(store) == find_gone(store, thorough=True) == []
    assert gone_ids(store) == frozenset()


def test_missing_and_replaced_pictures_are_gone(store, photos):
    (photos / "0.png").unlink()
    (photos / "1.png").write_bytes(photo_file("PNG", seed=9))
    (photos / "2.png").write_bytes(b"")
    assert kinds(store) == {"0.png": "missing", "1.png": "changed", "2.png": "changed"}


def test_a_picture_that_was_only_touched_is_there(store, photos):
    os.utime(photos / "0.png")
    assert find_gone(store) == []


def test_pictures_of_one_size_that_change_places_are_both_gone(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.bmp").write_bytes(photo_file("BMP", seed=number))
        os.utime(folder / f"{number}.bmp", (0, 0))
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(folder)])
    (folder / "0.bmp").rename(folder / "x")
    (folder / "1.bmp").rename(folder / "0.bmp")
    (folder / "x").rename(folder / "1.bmp")
    assert kinds(store) == {"0.bmp": "changed", "1.bmp": "changed"}


def test_a_file_with_old_time_stamps_is_read_only_when_asked(tmp_path, monkeypatch, store, photos):
    # as long after the file's last change as no test can wait
    monkeypatch.setattr(
        "tamis.dataset.presence._state_of", lambda file: (0.0, Path(file).stat().st_size)
    )
    size = (photos / "0.png").stat().st_size
    (photos / "0.png").write_bytes(bytes(size))
    assert kinds(store) == {}
    assert kinds(store, thorough=True) == {"0.png": "changed"}


def test_a_link_that_is_bent_to_another_picture_is_gone(tmp_path, photos):
    links = tmp_path / "links"
    links.mkdir()
    (links / "one.png").symlink_to(photos / "0.png")
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(links)])
    (links / "one.png").unlink()
    (links / "one.png").symlink_to(photos / "1.png")
    assert kinds(store) == {"one.png": "changed"}


def test_members_of_archives(tmp_path):
    file = tmp_path / "a.zip"

    def pack(seeds):
        with zipfile.ZipFile(file, "w") as archive:
            for name, seed in seeds.items():
                archive.writestr(name, photo_file("PNG", seed=seed))

    pack({"0.png": 0, "1.png": 1, "2.png": 2})
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(file)])
    assert find_gone(store) == []
    pack({"0.png": 0, "1.png": 5})
    assert kinds(store) == {"a.zip!1.png": "changed", "a.zip!2.png": "missing"}
    file.unlink()
    assert set(kinds(store).values()) == {"missing"}


def test_where_nothing_is_there_nothing_stands_back(store, photos):
    (photos / "0.png").unlink()
    assert len(gone_ids(store)) == 1
    photos.rename(photos.with_name("elsewhere"))
    assert gone_ids(store) == frozenset()
    everything = store.read(["sample_id"])["sample_id"].to_pylist()
    assert gone_among(store, everything) == frozenset(everything)

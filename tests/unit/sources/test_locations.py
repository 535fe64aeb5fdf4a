from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from picture_files import photo_file
from tamis.errors import InputError
from tamis.sources.exclusion import Exclusion
from tamis.sources.locations import count_sources, iter_locations, require_source
from tamis.sources.spread import NO_PICTURE, Location
from tamis.types import Failure


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `photos` in the current folder, with pictures at three depths."""
    for name in ("a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg"):
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo_file())
    (tmp_path / "photos" / "notes.txt").write_text("hello")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def paths(*sources: str) -> list[str]:
    return [item.path for item in iter_locations(sources)]


def test_a_folder(photos: Path) -> None:
    found = list(iter_locations(["photos"]))

    assert found[1] == Location(
        "photos/cats/1.jpg",
        str(photos / "cats" / "1.jpg"),
        "photos",
        "cats/1.jpg",
        in_folder=True,
    )


@pytest.mark.parametrize("source", ["photos", "photos/", "./photos", "../{name}/photos"])
def test_paths_are_as_given_and_places_are_absolute(source: str, photos: Path) -> None:
    source = source.format(name=photos.parent.name)
    found = list(iter_locations([source]))

    assert found[0].path == f"{source.rstrip('/')}/a.jpg"
    assert [item.uri for item in found] == [
        str(photos / name) for name in ("a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg")
    ]


def test_single_files_are_listed_whatever_their_name(photos: Path) -> None:
    (photos / "download").write_bytes(photo_file())
    found = list(iter_locations(["photos/download", "photos/cats/1.jpg"]))

    assert [item.path for item in found] == ["photos/download", "photos/cats/1.jpg"]
    assert [item.relative for item in found] == ["download", "1.jpg"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"hello"),
        ("paper.pdf", b"%PDF-1.7 and so on" * 40),
        ("table.csv", b"path,label\n1.jpg,cat\n"),
        ("nothing", b""),
        ("zeros.bin", bytes(5000)),
        ("sound.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(24)),
        ("script.py", b"BM = 1\n" * 20),
    ],
)
def test_a_named_file_that_is_no_picture_is_listed(name: str, content: bytes, photos: Path) -> None:
    (photos / name).write_bytes(content)

    found = list(iter_locations([f"photos/{name}", "photos/cats/1.jpg"]))

    assert found[0] == Failure(f"photos/{name}", NO_PICTURE, f"photos/{name}")
    assert found[1].path == "photos/cats/1.jpg"
    assert count_sources([f"photos/{name}", "photos/cats/1.jpg"]).pictures == 1
    with pytest.raises(InputError, match="not a picture, video or archive"):
        count_sources([f"photos/{name}"])


def test_a_named_pipe_is_not_waited_for(photos: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")

    assert list(iter_locations(["photos/pipe.jpg"])) == [
        Failure("photos/pipe.jpg", "not a regular file", "photos/pipe.jpg")
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*", ["a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg"]),
        ("photos/**", ["a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg"]),
        ("photos/**/*.jpg", ["a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg"]),
        ("photos/*.jpg", ["a.jpg"]),
        ("photos/ca?s", ["cats/1.jpg", "cats/2.jpg"]),
        ("photos/*/[12].jpg", ["cats/1.jpg", "cats/2.jpg"]),
        ("ph*s/cats/2*", ["cats/2.jpg"]),
    ],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_patterns(pattern: str, expected: list[str], absolute: bool, photos: Path) -> None:
    prefix = f"{photos.parent}/" if absolute else ""
    found = list(iter_locations([prefix + pattern]))

    assert [item.path for item in found] == [f"{prefix}photos/{name}" for name in expected]
    assert {item.source for item in found} == {prefix + pattern}


def test_what_is_relative_in_a_pattern_starts_at_its_first_wildcard(photos: Path) -> None:
    assert [item.relative for item in iter_locations(["photos/*/*.jpg"])] == [
        "cats/1.jpg",
        "cats/2.jpg",
    ]
    assert [item.relative for item in iter_locations([f"{photos}/c*/1.jpg"])] == ["cats/1.jpg"]


def test_a_folder_whose_name_looks_like_a_pattern(photos: Path) -> None:
    photos.rename(photos.parent / "photos [1]")

    assert paths("photos [1]")[0] == "photos [1]/a.jpg"


def test_the_home_folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(photos.parent))

    assert [item.uri for item in iter_locations(["~/photos/cats"])] == [
        str(photos / "cats" / "1.jpg"),
        str(photos / "cats" / "2.jpg"),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "there is no file or folder 'nowhere'"),
        ("", "there is no file or folder ''"),
        ("photos/nothing/*.jpg", "nothing that 'photos/nothing/\\*.jpg' matches is a picture"),
        ("photos/*.txt", "nothing that 'photos/\\*.txt' matches is a picture"),
        ("empty", "the folder empty holds no pictures"),
        ("texts", "the folder texts holds no pictures$"),
        ("packed", "holds archives, name them to look into them: old.zip"),
        ("data.tamis", "data.tamis is a tamis dataset"),
        ("broken", "broken is a link to something that does not exist"),
        ("a\0b", "cannot read the source"),
        ("x" * 300, "cannot read the source"),
        ("empty.zip", "the archive empty.zip holds no pictures"),
    ],
)
def test_a_source_without_pictures_is_refused_with_a_sentence(
    source: str, message: str, photos: Path
) -> None:
    root = photos.parent
    for folder in ("empty", "texts", "packed", "data.tamis"):
        (root / folder).mkdir()
    (root / "texts" / "a.txt").write_text("hello")
    for archive in (root / "packed" / "old.zip", root / "empty.zip"):
        zipfile.ZipFile(archive, "w").close()
    (root / "broken").symlink_to(root / "gone")

    with pytest.raises(InputError, match=message):
        list(iter_locations(["photos", source]))
    with pytest.raises(InputError, match=message):
        count_sources(["photos", source])


def test_a_root_that_cannot_be_listed_is_an_error(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(InputError, match="cannot list the folder photos: permission denied"):
        list(iter_locations(["photos"]))


def test_a_folder_inside_that_cannot_be_listed_is_a_failure(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("cats"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list(iter_locations(["photos"]))

    reason = "the folder cannot be listed: permission denied"
    assert found[1] == Failure("photos/cats", reason, "photos")
    assert len(found) == 3


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such names")
def test_a_name_that_is_not_utf8_is_a_failure(photos: Path) -> None:
    Path(os.fsdecode(os.fsencode(photos) + b"/b\xff.jpg")).write_bytes(photo_file())

    failures = [item for item in iter_locations(["photos"]) if isinstance(item, Failure)]

    assert failures == [
        Failure("photos/b\\xff.jpg", "its name is not valid UTF-8; rename it", "photos")
    ]


def test_counting(photos: Path) -> None:
    assert count_sources(["photos"]).pictures == 4
    assert count_sources(["photos", "photos/cats/*.jpg"]).pictures == 6
    assert count_sources(["photos/cats/1.jpg"]).pictures == 1


def test_a_source_that_vanishes_is_an_error(photos: Path) -> None:
    require_source("photos")
    require_source("photos/*.jpg")
    photos.rename(photos.parent / "elsewhere")

    with pytest.raises(InputError, match="photos disappeared while it was being read"):
        require_source("photos")


def test_a_file_whose_name_is_not_utf8_is_a_failure_when_it_is_named_itself(photos: Path) -> None:
    named = os.fsdecode(b"photos/b\xff.jpg")
    Path(named).write_bytes(photo_file())

    [failure] = iter_locations([named])

    assert failure == Failure(
        "photos/b\\xff.jpg", "its name is not valid UTF-8; rename it", source=""
    )
    require_source("")


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["1.*"], ["a.jpg", "cats/2.jpg", "dogs/big/3.jpg"]),
        (["big"], ["a.jpg", "cats/1.jpg", "cats/2.jpg"]),
        (["cats/*.jpg", "a.*"], ["dogs/big/3.jpg"]),
        (["./dogs/big"], ["a.jpg", "cats/1.jpg", "cats/2.jpg"]),
        (["dogs/big/"], ["a.jpg", "cats/1.jpg", "cats/2.jpg"]),
        (["?o?s"], ["a.jpg", "cats/1.jpg", "cats/2.jpg"]),
        (["cats/a.jpg", "/cats.jpg"], ["a.jpg", "cats/1.jpg", "cats/2.jpg", "dogs/big/3.jpg"]),
    ],
)
def test_what_is_excluded_is_neither_listed_nor_counted(
    photos: Path, patterns: list[str], left: list[str]
) -> None:
    everything = [item.relative for item in iter_locations(["photos"])]
    exclude = Exclusion(patterns)
    found = [item.relative for item in iter_locations(["photos"], exclude=exclude)]
    wanted = [name for name in everything if name in left]
    assert found == wanted
    assert sum(exclude.counts.values()) == len(everything) - len(wanted)
    assert count_sources(["photos"], exclude=Exclusion(patterns)).pictures == len(wanted)


def test_a_source_of_which_all_is_excluded_is_empty(photos: Path) -> None:
    with pytest.raises(InputError, match="all that photos holds is excluded"):
        count_sources(["photos"], exclude=Exclusion(["*"]))
    with pytest.raises(InputError, match="all that photos holds is excluded"):
        list(iter_locations(["photos"], exclude=Exclusion(["*"])))

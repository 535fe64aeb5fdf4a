"""Places of images: what is spelled is read again, whatever the names hold."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tamis.images.box import Box
from tamis.sources.archives import has_archive_extension
from tamis.sources.image_reference import ImageReference

ODD = ["!", "!!", "#xywh=1,2,3,4", "frame=3", "!frame=12", ".zip", ".tar.gz", ".mp4", "="]
ODD += [
    "%",
    "é",
    "\n",
    " ",
    "-",
    "'",
    '"',
    "\\",
    "~",
    "*",
    "?",
    "[a]",
    "日本",
    "e\u0301",
    "a",
    ".",
    "C:",
]
PIECES = st.sampled_from(ODD)
NAMES = (
    st.lists(
        PIECES | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=3), min_size=1
    )
    .map("".join)
    .filter(
        lambda name: name not in ("", ".", "..") and "/" not in name and len(name.encode()) < 200
    )
)
MEMBERS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
BOXES = st.builds(Box, *[st.integers(-(10**6), 10**6)] * 2, *[st.integers(0, 10**6)] * 2)


def assert_same(reference: ImageReference) -> None:
    assert ImageReference.parse(str(reference)) == reference


@given(NAMES, MEMBERS, st.integers(0, 10**9), st.none() | BOXES)
@example("a!b.zip", "c!d/frame=1", 0, None)
@example("wow!frame=3", "x", 3, Box(1, 2, 3, 4))
def test_what_is_spelled_is_read_again(name, member, number, part):
    with TemporaryDirectory() as folder:
        file = f"{folder}/{name}"
        Path(file).write_bytes(b"")
        assert_same(ImageReference(file))
        if part is not None:
            assert_same(ImageReference(file, part=part))
        if not has_archive_extension(file):
            assert_same(ImageReference(file, frame=number, part=part))
        frame_like = member.startswith("frame=") and member[6:].isdecimal()
        if has_archive_extension(file) or not frame_like:
            text = str(ImageReference(file, member, part=part))
            # a member whose name ends like a part is the one thing that no spelling tells apart
            assume(part is not None or "#xywh=" not in member)
            assert ImageReference.parse(text) == ImageReference(file, member, part=part)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_reading_keeps_the_text(text):
    for read in (ImageReference.parse, ImageReference.spelled):
        assert str(read(text)) == text


@given(NAMES.filter(lambda name: "!" not in name and "#" not in name), MEMBERS, st.integers(0))
def test_plain_names_are_told_apart_where_nothing_is_there(name, member, number):
    assume("#xywh=" not in member)
    file = f"/nowhere/{name}"
    assert ImageReference.spelled(file) == ImageReference(file)
    if has_archive_extension(file):
        found = ImageReference(file, member)
        assert ImageReference.spelled(str(found)) == ImageReference.parse(str(found)) == found
    else:
        found = ImageReference(file, frame=number)
        assert ImageReference.spelled(str(found)) == ImageReference.parse(str(found)) == found


def test_a_file_that_bears_the_whole_name_goes_first(tmp_path):
    archive, whole = tmp_path / "a.zip", tmp_path / "a.zip!b.jpg"
    archive.touch()
    assert ImageReference.parse(str(whole)) == ImageReference(str(archive), "b.jpg")
    whole.touch()
    assert ImageReference.parse(str(whole)) == ImageReference(str(whole))
    assert ImageReference.parse(f"{whole}#xywh=1,2,3,4").file == str(whole)
    whole.unlink()
    whole.symlink_to(tmp_path / "gone")
    assert ImageReference.parse(str(whole)) == ImageReference(str(whole)), "a broken link too"


def test_the_shortest_name_that_is_a_file_is_meant(tmp_path):
    short, long = tmp_path / "a", tmp_path / "a!b"
    long.touch()
    assert ImageReference.parse(f"{long}!c") == ImageReference(str(long), "c")
    short.touch()
    assert ImageReference.parse(f"{long}!c") == ImageReference(str(short), "b!c")


@pytest.mark.parametrize(
    "text", ["", "!", "!frame=1", "#xywh=1,2,3,4", "a\0!b.jpg", "x" * 5000 + "!y"]
)
def test_odd_texts_are_files(text):
    assert ImageReference.parse(text) == ImageReference(text)


def test_nothing_is_asked_of_the_disk_where_no_doubt_is(monkeypatch):
    def asked(path):
        raise AssertionError(path)

    monkeypatch.setattr(os.path, "lexists", asked)
    monkeypatch.setattr(os.path, "isfile", asked)
    assert ImageReference.parse("/data/cats/1.jpg").inside is None
    assert ImageReference.spelled("/data/cats.zip!1.jpg").inside == "1.jpg"


def test_a_part_belongs_to_its_image():
    part = ImageReference("/d/v.mp4", frame=3, part=Box(1, 2, 3, 4))
    assert str(part) == "/d/v.mp4!frame=3#xywh=1,2,3,4"
    assert str(part.whole) == "/d/v.mp4!frame=3"
    assert str(part.renamed(lambda file: file.replace("/d/", "/e/"))).startswith(
        "/e/v.mp4!frame=3#"
    )
    with pytest.raises(ValueError, match="no place"):
        ImageReference("/d/a.zip", "v.mp4", 3)

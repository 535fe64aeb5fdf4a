"""Files that are odd, named on the command line: what comes of them and how it ends."""

from __future__ import annotations

import bz2

import pytest

from hostile_tars import LARGE, header
from made_videos import write_video
from odd_videos import counted, write_with_cover
from picture_files import photo_file


@pytest.fixture
def photo(tamis_cli):
    (tamis_cli.folder / "photo.jpg").write_bytes(photo_file())
    (tamis_cli.folder / "notes.txt").write_text("bread, milk\n")
    return "photo.jpg"


def test_a_file_that_is_no_picture_ends_with_2(tamis_cli, photo):
    run = tamis_cli("add", "notes.txt", code=2)
    assert run.err == (
        "tamis: notes.txt is not a picture, video or archive, neither by its name nor by its "
        "content; check the path\n"
    )
    assert not (tamis_cli.folder / "dataset.tamis").exists()
    tamis_cli("curate", "notes.txt", "--keep", "5", "--out", "out", code=2)


def test_what_is_named_beside_it_is_added(tamis_cli, photo):
    run = tamis_cli("add", "notes.txt", photo, "--json", code=2)
    assert (run.json["added"], len(run.json["failed"])) == (1, 1)
    assert "what else was named was added" in run.err
    assert tamis_cli("add", photo, "--json").json["known"] == 1


def test_a_bad_picture_beside_a_good_one_ends_with_0(tamis_cli, photo):
    (tamis_cli.folder / "page.jpg").write_text("<!DOCTYPE html>")
    run = tamis_cli("add", "page.jpg", photo, "--json")
    assert (run.json["added"], len(run.json["failed"])) == (1, 1)


def test_nothing_but_what_cannot_be_read_ends_with_2(tamis_cli):
    write_with_cover(tamis_cli.folder / "song.m4a")
    (tamis_cli.folder / "page.jpg").write_text("<!DOCTYPE html>")
    bomb = bz2.compress(header("e", LARGE, b"x") + b"1" * LARGE)
    (tamis_cli.folder / "bomb.tar.bz2").write_bytes(bomb)
    names = ["page.jpg", "song.m4a", "bomb.tar.bz2"]
    run = tamis_cli("add", *names, "--json", code=2)
    assert (run.json["added"], [failure["path"] for failure in run.json["failed"]]) == (0, names)
    assert run.err.startswith("tamis: nothing that was named could be read, such as page.jpg: ")
    assert run.err.count("\n") == 1


def test_a_raw_stream_gives_a_frame_a_second(tamis_cli):
    pictures = [counted(number) for number in range(60)]
    write_video(tamis_cli.folder / "camera.h264", pictures, rate=20, form="h264")
    assert tamis_cli("add", "camera.h264", "--json").json["frames"] == 3

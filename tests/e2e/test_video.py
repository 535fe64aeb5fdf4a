"""Videos on the command line, as a user types it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from made_videos import scene, scenes, write_video

pytest.importorskip("av")


@pytest.fixture
def films(tamis_cli):
    """A folder `films` with two videos of three scenes each and a picture."""
    folder = tamis_cli.folder / "films"
    folder.mkdir()
    for name, numbers in (("a.mp4", (1, 2, 3)), ("b.mp4", (4, 5, 6))):
        write_video(folder / name, scenes(numbers, 10, (320, 240)))
    scene(7, (320, 240)).save(folder / "c.png")
    return folder


def test_from_videos_to_exported_frames(tamis_cli, films):
    run = tamis_cli("add", "films")
    assert run.out.splitlines() == ["1 added, 0 known, 0 failed"]
    assert "2 videos in folders are not taken; --every 1" in run.err
    run = tamis_cli("add", "films", "--every", "0.5")
    assert run.out.splitlines() == [
        "12 added, 1 known, 0 failed",
        "12 of them are frames of 2 videos",
    ]
    run = tamis_cli("add", "films/a.mp4", "--json")
    assert run.json["known"] == 3
    assert run.json["videos"] == 1
    tamis_cli("embed")
    found = tamis_cli("search", "--like", "films/a.mp4!frame=25", "-k", "1", "--json").json
    assert "films/a.mp4!frame=" in found["hits"][0]["path"]
    tamis_cli("split", "--group", "video", "--train", ".5", "--val", "0", "--test", ".5")
    tamis_cli("export", "folder", "out", "--where", "video IS NOT NULL")
    names = sorted(path.name for path in (tamis_cli.folder / "out").rglob("*.png"))
    assert len(names) == 12
    assert names[:2] == ["a-frame-000000.png", "a-frame-000005.png"]
    by_split = {}
    for path in (tamis_cli.folder / "out").rglob("*.png"):
        by_split.setdefault(path.name[0], set()).add(path.parent.name)
    assert all(len(splits) == 1 for splits in by_split.values())
    shown = np.asarray(Image.open(next((tamis_cli.folder / "out").rglob("b-frame-000025.png"))))
    drawn = np.asarray(scene(6, (320, 240)), np.int16)
    assert np.abs(shown - drawn).mean() < 12


def test_new_only_adds_one_frame_of_each_scene(tamis_cli, films):
    run = tamis_cli("add", "films/a.mp4", "films/a.mp4", "--new-only")
    lines = run.out.splitlines()
    assert lines[:2] == ["3 added, 3 known, 0 failed", "3 of them are frames of 1 video"] or (
        lines[1] == "3 of them are frames of 2 videos"
    )
    assert "left out: at least 0.92 similar to one that is kept" in lines[2]
    run = tamis_cli("add", "films", "--new-only", "--json")
    assert (run.json["added"], run.json["known"], run.json["unseen"]) == (4, 3, 0)
    assert run.json["covered"] == 30 - 3 + 30 - 3
    assert tamis_cli("add", "films", "--new-only", "--json").json["added"] == 0
    tamis_cli("undo")


def test_what_cannot_be_meant_is_said(tamis_cli, films):
    run = tamis_cli("add", "films", "--threshold", "0.9", code=2)
    assert "ask for new only as well" in run.err
    run = tamis_cli("add", "films/a.mp4", "--every", "never", code=2)
    assert "--every is 'never'; give a number or frame or keyframe" in run.err
    (films / "c.png").unlink()
    run = tamis_cli("add", "films", code=2)
    assert "only videos (2)" in run.err


def test_curate_takes_frames_of_videos(tamis_cli, films):
    run = tamis_cli("curate", "films", "--every", "0.5", "--keep", "5", "--out", "out", "--json")
    assert run.json["added"] == 13
    assert run.json["selected"] == 5
    assert len(list((tamis_cli.folder / "out" / "pictures").rglob("*.png"))) == 5

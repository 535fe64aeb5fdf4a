"""Frames of video files: numbers, times, damage, random access."""

from __future__ import annotations

import wave
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from made_videos import SIZE, noisy, scene, scenes, write_video
from tamis.errors import InputError, MissingExtraError, PictureError, UsageError
from tamis.images.decode import decode
from tamis.sources.reading import read_bytes, read_content
from tamis.sources.video.file import VideoFile
from tamis.sources.video.frame_reader import close_videos, frame_content_hash, read_frame
from tamis.sources.video.sampling import Sampling, parse_sampling

pytest.importorskip("av")


def counted(number: int) -> Image.Image:
    """A frame that shows its number in eight black or white bars."""
    bars = np.array([255 * (number >> bit & 1) for bit in range(8)], dtype=np.uint8)
    pixels = np.repeat(np.repeat(bars[None], SIZE[1], axis=0), SIZE[0] // 8, axis=1)
    return Image.fromarray(pixels).convert("RGB")


def number_shown(image: Image.Image) -> int:
    width = image.width // 8
    row = np.asarray(image.convert("L"))[image.height // 2]
    return sum(int(row[bit * width + width // 2] > 128) << bit for bit in range(8))


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "counting.mp4"
    write_video(path, [counted(number) for number in range(120)], rate=20, gop=30)
    return path


@pytest.fixture(autouse=True)
def no_video_left_open():
    yield
    close_videos()


def frames_of(path, **options):
    return list(VideoFile(str(path), "counting.mp4", **options).frames())


def test_every_frame_has_its_number_time_and_place(counting):
    frames = frames_of(counting)
    assert [frame.number for frame in frames] == list(range(120))
    assert [number_shown(frame.pixels.image()) for frame in frames] == list(range(120))
    assert frames[30].seconds == pytest.approx(1.5)
    assert frames[30].path == "counting.mp4!frame=30"
    assert frames[30].uri == f"{counting}!frame=30"
    assert frames[30].pixels.format == "H264"
    assert frames[30].pixels.encoded() is None


@pytest.mark.parametrize(
    ("every", "numbers"),
    [(1.0, [0, 20, 40, 60, 80, 100]), (0.05, range(120)), (0.12, None), (100.0, [0])],
)
def test_sampling_by_time_takes_the_first_frame_at_or_after_each_tick(counting, every, numbers):
    frames = frames_of(counting, sampling=Sampling(every=every))
    if numbers is not None:
        assert [frame.number for frame in frames] == list(numbers)
    ticks = [int(frame.seconds / every + 1e-6) for frame in frames]
    assert ticks == sorted(set(ticks))
    assert all(frame.seconds % every < 0.05 + 1e-6 for frame in frames)


def test_a_restart_samples_the_same_frames(counting):
    whole = [frame.number for frame in frames_of(counting, sampling=Sampling(every=0.35))]
    rest = frames_of(counting, sampling=Sampling(every=0.35), start=50)
    assert [frame.number for frame in rest][1:] == [n for n in whole if n > rest[0].number]


def test_key_frames_alone(counting):
    frames = frames_of(counting, sampling=Sampling(key_frames=True))
    numbers = [frame.number for frame in frames]
    assert {0, 30, 60, 90} & set(numbers)
    assert 4 <= len(numbers) < 30
    assert [number_shown(frame.pixels.image()) for frame in frames] == numbers


def test_starting_later_yields_the_same_frames(counting):
    frames = frames_of(counting, start=47)
    assert [number_shown(frame.pixels.image()) for frame in frames] == list(range(47, 120))


def test_any_frame_can_be_read_in_any_order(counting):
    rng = np.random.default_rng(0)
    for number in [119, 0, 1, 5, 4, 119, *rng.permutation(120)[:40].tolist()]:
        frame = read_frame(str(counting), number, "x")
        assert number_shown(frame.pixels.image()) == number


def test_frames_are_read_alike_by_many_threads(counting):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda n: read_frame(str(counting), n, "x"), range(120)))
    assert [number_shown(frame.pixels.image()) for frame in read] == list(range(120))


def test_a_frame_is_read_as_a_picture_with_the_pixels_that_were_seen(counting):
    frame = frames_of(counting, start=33)[0]
    data, content = read_content(frame.uri, frame.path)
    assert data == read_bytes(frame.uri)
    picture = decode(data, frame.path)
    assert picture.format == "PNG"
    assert np.array_equal(np.asarray(picture.image), np.asarray(frame.pixels.image()))
    small = decode(data, frame.path, min_side=50).image
    assert np.array_equal(np.asarray(small), np.asarray(frame.pixels.image(50)))
    assert small.size == (80, 60)
    assert content == frame_content_hash(str(counting), 33, frame.path)
    assert content != frame_content_hash(str(counting), 34, frame.path)


def test_what_is_not_there_is_said(counting, tmp_path):
    with pytest.raises(PictureError, match="no such frame"):
        read_frame(str(counting), 120, "counting.mp4!frame=120")
    with pytest.raises(PictureError, match="does not exist"):
        read_frame(str(tmp_path / "gone.mp4"), 0, "gone.mp4!frame=0")
    with pytest.raises(PictureError, match="does not exist"):
        read_bytes(f"{tmp_path}/gone.mp4!frame=0")
    with pytest.raises(InputError, match=r"cannot read the video x: does not exist"):
        VideoFile(str(tmp_path / "gone.mp4"), "x")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(InputError, match="cannot read the video x: invalid data"):
        VideoFile(str(tmp_path / "text.mp4"), "x")


def test_a_file_without_pictures_is_said(tmp_path):
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(InputError, match="cannot read x: there is no video in it"):
        VideoFile(str(tmp_path / "sound.wav"), "x")


OTHERS = [
    (".avi", "mjpeg"),
    (".mkv", "ffv1"),
    (".webm", "libvpx"),
    (".ts", "libx264"),
    (".mpg", "mpeg2video"),
]


@pytest.mark.parametrize(("suffix", "codec"), OTHERS)
def test_other_containers_and_codecs_number_and_read_the_same(tmp_path, suffix, codec):
    path = tmp_path / f"counting{suffix}"
    write_video(path, [counted(number) for number in range(40)], rate=25, codec=codec)
    frames = frames_of(path)
    assert [number_shown(frame.pixels.image()) for frame in frames] == list(range(40))
    assert [frame.number for frame in frames] == list(range(40))
    for number in (39, 3, 17):
        assert number_shown(read_frame(str(path), number, "x").pixels.image()) == number


def test_damage_costs_the_frames_it_hits_and_no_others_change_their_number(tmp_path):
    path = tmp_path / "damaged.avi"
    write_video(path, [counted(n) for n in range(60)], rate=20, codec="mjpeg")
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xd8"]
    assert len(starts) == 60
    for victim in (10, 33):
        end = starts[victim + 1] - 64
        data[starts[victim] : end] = bytes(end - starts[victim])
    path.write_bytes(data)
    video = VideoFile(str(path), "x")
    frames = list(video.frames())
    assert video.counts.corrupt == 2
    assert [frame.number for frame in frames] == [n for n in range(60) if n not in {10, 33}]
    assert all(number_shown(f.pixels.image()) == f.number for f in frames)
    with pytest.raises(PictureError, match="damaged"):
        read_frame(str(path), 33, "x")
    assert number_shown(read_frame(str(path), 34, "x").pixels.image()) == 34


def test_a_cut_off_file_gives_what_is_there(tmp_path):
    path = tmp_path / "cut.ts"
    write_video(path, scenes(range(6), 10), rate=10, gop=5)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    frames = frames_of(path)
    assert 25 <= len(frames) < 60
    assert [frame.number for frame in frames][:20] == list(range(20))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_video_is_upright(tmp_path, turn):
    picture = scene(1)
    stored = picture.rotate(-turn, expand=True)
    path = tmp_path / "turned.mp4"
    try:
        write_video(path, [stored] * 3, rotation=turn)
    except AttributeError:
        pytest.skip("this PyAV cannot write the turn")
    image = frames_of(path)[0].pixels.image()
    assert image.size == picture.size
    difference = np.asarray(image, np.int16) - np.asarray(picture, np.int16)
    assert np.abs(difference).mean() < 12


def test_the_time_of_day_comes_from_the_file(tmp_path):
    path = tmp_path / "dated.mp4"
    began = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    write_video(path, scenes([1], 12), metadata={"creation_time": began.isoformat()})
    frame = frames_of(path)[10]
    assert frame.captured_at is not None
    assert frame.captured_at == began.astimezone().replace(tzinfo=None, second=10)


def test_a_small_view_is_the_average_of_the_frame(tmp_path):
    path = tmp_path / "scene.mp4"
    write_video(path, [scene(3, (640, 480))] * 2)
    frame = frames_of(path)[0]
    view = frame.pixels.view(40, 30)
    expected = np.asarray(frame.pixels.image().resize((40, 30), Image.Resampling.BOX))
    assert view.shape == (30, 40, 3)
    assert np.abs(view.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "often", ""])
def test_a_sampling_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="cannot take a frame every"):
        parse_sampling(text)


def test_the_words_for_samplings():
    assert parse_sampling("frame") == Sampling()
    assert parse_sampling("keyframe") == Sampling(key_frames=True)
    assert parse_sampling("2.5") == Sampling(every=2.5)


def test_without_pyav_one_sentence_says_what_to_install(monkeypatch, counting):
    import sys

    from tamis.sources.video.library import load_av

    monkeypatch.setitem(sys.modules, "av", None)
    load_av.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'tamis\[video\]'"):
        VideoFile(str(counting), "counting.mp4")
    load_av.cache_clear()


def test_noise_differs_by_seed():
    assert not np.array_equal(np.asarray(noisy(scene(1), 1)), np.asarray(noisy(scene(1), 2)))

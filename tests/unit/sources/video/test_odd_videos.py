"""Videos whose times are late, equal, missing or go back, whose tracks are odd, or whose metadata
is not text."""

from __future__ import annotations

import io
import re
from itertools import accumulate, pairwise

import numpy as np
import pytest

from made_videos import StreamServer, scenes, transport_stream, write_sound, write_video
from odd_videos import (
    counted,
    number_shown,
    write_that_begins_anew,
    write_with_cover,
    write_with_times,
)
from tamis.errors import InputError
from tamis.sources.video import container
from tamis.sources.video.file import UnreadableVideoError, VideoFile
from tamis.sources.video.frame_numbers import FrameNumbers, FramesMet
from tamis.sources.video.frame_reader import close_videos, read_frame
from tamis.sources.video.running_clock import RunningClock
from tamis.sources.video.sampling import Sampling
from tamis.sources.video.stream import LiveStream, Patience

pytest.importorskip("av")


@pytest.fixture(autouse=True)
def no_video_left_open():
    yield
    close_videos()


def opened(path, **options) -> VideoFile:
    return VideoFile(str(path), path.name, **options)


def require_all_frames(path, count: int) -> list[float]:
    """Check that every frame comes once, has its own number, and is found by it again."""
    video = opened(path)
    frames = list(video.frames())
    assert [number_shown(frame.pixels.image()) for frame in frames] == list(range(count))
    assert [frame.number for frame in frames] == list(range(count))
    assert video.counts.corrupt == 0
    assert video.damage is None
    seconds = [frame.seconds for frame in frames]
    assert seconds[0] == 0.0
    assert seconds == sorted(seconds)
    rng = np.random.default_rng(0)
    for number in [count - 1, 0, *rng.permutation(count)[:12].tolist()]:
        assert number_shown(read_frame(str(path), number, "x").pixels.image()) == number
    for every in (0.05, 0.3, 1.0):
        sampled = opened(path, sampling=Sampling(every=every))
        numbers = [frame.number for frame in sampled.frames()]
        promised = opened(path, sampling=Sampling(every=every)).sampled_numbers()
        assert promised is None or promised.tolist() == numbers
        assert numbers[0] == 0
        assert len(numbers) <= seconds[-1] / every + 1 + 1e-6
    return seconds


def times_of(kind: str) -> list[int]:
    """Times in milliseconds of 40 frames, 40 ms apart but for what is odd."""
    rng = np.random.default_rng(1)
    return {
        "late": [7000 + 40 * n for n in range(40)],
        "pairs": [80 * (n // 2) for n in range(40)],
        "runs": sorted(int(x) for x in 40 * rng.integers(0, 12, 40)),
        "all equal": [0] * 40,
        "all equal and late": [5000] * 40,
        "equal at the end": [40 * min(n, 30) for n in range(40)],
        "equal at the start": [40 * max(n - 10, 0) for n in range(40)],
        "gaps": list(accumulate(int(x) for x in rng.integers(1, 900, 40))),
    }[kind]


KINDS = ["late", "pairs", "runs", "all equal", "all equal and late"]
KINDS += ["equal at the end", "equal at the start", "gaps"]


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "mjpeg"), (".mkv", "libx264")])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_times_are_stated_each_frame_has_its_number(tmp_path, kind, suffix, codec):
    times = times_of(kind)
    path = tmp_path / f"odd{suffix}"
    write_with_times(path, times, codec)
    seconds = require_all_frames(path, 40)
    assert seconds == pytest.approx([(time - times[0]) / 1000 for time in times], abs=2e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".flv", ".mov"])
def test_a_start_that_is_not_0_is_the_start(tmp_path, suffix):
    path = tmp_path / f"late{suffix}"
    write_with_times(path, times_of("late"), "flv1" if suffix == ".flv" else "libx264")
    assert require_all_frames(path, 40)[25] == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("suffix", [".mkv", ".flv"])
def test_what_is_missing_of_a_late_start_is_said_all_the_same(tmp_path, suffix):
    path = tmp_path / f"cut{suffix}"
    codec = "flv1" if suffix == ".flv" else "libx264"
    write_with_times(path, [3000 + 100 * n for n in range(100)], codec)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    video = opened(path)
    assert 10 < len(list(video.frames())) < 60
    assert "the file ends early" in str(video.damage)


@pytest.mark.parametrize(
    ("form", "codec"),
    [("h264", "libx264"), ("hevc", "libx265"), ("mpeg2video", "mpeg2video"), ("mjpeg", "mjpeg")],
)
@pytest.mark.parametrize("rate", [10, 25])
def test_a_raw_stream_is_timed_by_its_rate(tmp_path, form, codec, rate):
    if form == "mpeg2video" and rate == 10:
        pytest.skip("MPEG-2 has no such rate")
    path = tmp_path / f"camera.{form}"
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    pictures = [counted(number) for number in range(60)]
    write_video(path, pictures, rate=rate, codec=codec, form=form, gop=20, options=options)
    seconds = require_all_frames(path, 60)
    # A raw stream of JPEG files does not even state a rate.
    stated = 25 if form == "mjpeg" else rate
    assert seconds == pytest.approx([number / stated for number in range(60)], abs=1e-6)


def test_key_frames_of_a_raw_stream_keep_the_numbers_of_all_frames(tmp_path):
    path = tmp_path / "camera.h264"
    write_video(path, [counted(number) for number in range(50)], form="h264", gop=10)
    frames = list(opened(path, sampling=Sampling(key_frames=True)).frames())
    numbers = [frame.number for frame in frames]
    assert 4 < len(numbers) < 20
    assert numbers[-1] >= 40
    assert [number_shown(frame.pixels.image()) for frame in frames] == numbers


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_recording_that_begins_anew_goes_on(tmp_path, codec):
    path = tmp_path / "three.ts"
    write_that_begins_anew(path, (50, 60, 40), codec)
    seconds = require_all_frames(path, 150)
    assert seconds[-1] == pytest.approx(149 / 25, abs=0.5)


def test_counted_frames_in_rising_order_are_decoded_once(tmp_path, monkeypatch):
    path = tmp_path / "camera.h264"
    write_video(path, [counted(n % 256) for n in range(700)], form="h264", gop=50)
    opens = []
    genuine = VideoFile._open
    monkeypatch.setattr(VideoFile, "_open", lambda self: (opens.append(1), genuine(self))[1])
    for number in (3, 350, 690):
        assert number_shown(read_frame(str(path), number, "x").pixels.image()) == number % 256
    assert len(opens) == 1


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    write_with_cover(path)
    with pytest.raises(UnreadableVideoError, match="there is no video in it"):
        opened(path)


def test_a_video_behind_a_cover_is_taken(tmp_path):
    path = tmp_path / "film.mp4"
    write_with_cover(path, video=True)
    require_all_frames(path, 10)


def test_a_codec_that_nobody_knows_is_said(tmp_path):
    path = tmp_path / "unknown.mp4"
    write_video(path, scenes([1], 5))
    data = path.read_bytes()
    assert data.count(b"avc1") >= 1
    path.write_bytes(data.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    with pytest.raises(UnreadableVideoError, match="unknown codec"):
        opened(path)


LARGE = [(".mp4", "libx264"), (".ts", "libx264"), (".mkv", "ffv1"), (".avi", "mjpeg")]


@pytest.mark.parametrize(("suffix", "codec"), LARGE)
def test_frames_too_large_for_memory_are_not_decoded(tmp_path, monkeypatch, suffix, codec):
    path = tmp_path / f"large{suffix}"
    write_video(path, scenes([1], 3), codec=codec)
    monkeypatch.setattr(container, "MAX_FRAME_PIXELS", 200 * 200)
    assert len(list(opened(path).frames())) == 3
    monkeypatch.setattr(container, "MAX_FRAME_PIXELS", 100 * 100)
    # Where FFmpeg finds out the size by decoding, it does not come to know it.
    reason = "160 x 120 pixels are over the limit of 0.01|holds no frame|contradict|invalid"
    try:
        video = opened(path)
        assert list(video.frames()) == []
        said = str(video.damage)
    except UnreadableVideoError as error:
        said = error.reason
    assert re.search(reason, said)


def test_a_size_that_grows_within_a_file_is_bounded_too(tmp_path, monkeypatch):
    path = tmp_path / "grows.ts"
    parts = []
    for size in ((160, 120), (320, 240)):
        target = io.BytesIO()
        write_video(target, scenes([1], 5, size), form="mpegts")
        parts.append(target.getvalue())
    path.write_bytes(b"".join(parts))
    both = [frame.pixels.image().size for frame in opened(path).frames()]
    assert both == [(160, 120)] * 5 + [(320, 240)] * 5
    monkeypatch.setattr(container, "MAX_FRAME_PIXELS", 200 * 200)
    small = [frame.pixels.image().size for frame in opened(path).frames()]
    assert set(small) == {(160, 120)}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv", ".avi"])
def test_metadata_that_is_not_utf8_costs_nothing(tmp_path, suffix):
    path = tmp_path / f"latin{suffix}"
    codec = {".flv": "flv1", ".avi": "mjpeg"}.get(suffix, "libx264")
    write_video(path, [counted(n) for n in range(5)], codec=codec, metadata={"title": "Caf_"})
    data = path.read_bytes()
    assert b"Caf_" in data
    path.write_bytes(data.replace(b"Caf_", b"Caf\xe9"))
    require_all_frames(path, 5)


QUICK = Patience(first_connection=1.0, silence=2.0, first_pause=0.05, longest_pause=0.2)


def test_a_stream_with_metadata_that_is_not_utf8_is_read():
    target = io.BytesIO()
    write_video(target, scenes([1], 10), codec="flv1", form="flv", metadata={"title": "Caf_"})
    data = target.getvalue().replace(b"Caf_", b"Caf\xe9")
    with StreamServer(lambda _n: iter([data]), "video/x-flv") as server:
        stream = LiveStream(server.url, patience=QUICK)
        frames = stream.frames()
        assert next(frames).pixels.image().size == (160, 120)
        stream.close()
        frames.close()


def test_a_stream_of_sound_alone_is_said(tmp_path):
    write_sound(tmp_path / "sound.mp4")
    data = (tmp_path / "sound.mp4").read_bytes()
    with (
        StreamServer(lambda _n: iter([data]), "video/mp4") as server,
        pytest.raises(InputError, match="there is no video in it"),
    ):
        next(LiveStream(server.url, patience=QUICK).frames())


def test_a_stream_that_comes_back_without_a_video_is_tried_again(tmp_path):
    write_sound(tmp_path / "sound.mp4")
    silent = (tmp_path / "sound.mp4").read_bytes()
    film = transport_stream(scenes([1], 10))
    sent = [film, silent, film]
    with StreamServer(lambda n: iter([sent[min(n, 2)]])) as server:
        stream = LiveStream(server.url, patience=QUICK)
        taken = []
        for frame in stream.frames():
            taken.append(frame.number)
            if len(taken) == 20:
                stream.close()
    assert taken == list(range(20))


@pytest.mark.parametrize("seed", range(20))
def test_numbers_follow_any_ascending_times(seed):
    rng = np.random.default_rng(seed)
    stamps = np.sort(rng.integers(0, 1 + rng.integers(1, 60), 30))
    numbers = FrameNumbers(stamps)
    assert [numbers.of(stamp) for stamp in stamps.tolist()] == list(range(30))
    for target in rng.permutation(30)[:10].tolist():
        numbers.restart()
        begin = numbers.seek_to(target)
        # Wherever a decoder begins that was told to go to that time or to the start:
        first = 0 if begin is None else int(np.searchsorted(stamps, begin))
        later = stamps[first:].tolist()
        assert target in [numbers.of(stamp) for stamp in later]
        numbers.restart()
        met = {numbers.of(stamp): place for place, stamp in enumerate(later)}
        assert met[target] == target - first


@pytest.mark.parametrize("seed", range(20))
def test_what_is_missing_is_counted_in_any_order(seed):
    rng = np.random.default_rng(seed)
    stamps = np.arange(40) * 3
    lost = rng.choice(40, 7, replace=False)
    there = np.setdiff1d(np.arange(40), lost)
    met = FramesMet(stamps, 0)
    assert all(met.meet(int(number)) for number in rng.permutation(there))
    assert not met.meet(int(there[0]))
    assert met.missing(ended=True) == 7
    assert met.missing(ended=False) == 7 - np.count_nonzero(lost > there.max())


@pytest.mark.parametrize("seed", range(20))
def test_a_running_clock_never_goes_back(seed):
    rng = np.random.default_rng(seed)
    clock = RunningClock(25.0)
    stated = [None if rng.random() < 0.3 else float(rng.normal(0, 100)) for _ in range(200)]
    told = [clock.of(time) for time in stated]
    assert told[0] == 0.0
    assert all(later > earlier for earlier, later in pairwise(told))

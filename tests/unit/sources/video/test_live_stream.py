"""Streams that come at their own pace, break off and come back."""

from __future__ import annotations

import io
import itertools
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import tamis.sources.video.stream as stream_module
from made_videos import MOTION_JPEG, StreamServer, motion_jpeg, scene, scenes, transport_stream
from tamis.errors import InputError
from tamis.sources.video.sampling import Sampling
from tamis.sources.video.stream import LiveStream, Patience, is_camera, is_stream, without_password

pytest.importorskip("av")

QUICK = Patience(first_connection=600.0, silence=600.0, first_pause=0.01, longest_pause=0.04)
"""Connects again at once, and gives up only on what a defect would do."""


class Waits(threading.Event):
    """Takes the place of a stream's event of closing: waiting costs no time, but is noted."""

    def __init__(self, most=1_000):
        super().__init__()
        self.pauses = []
        self.now = 0.0
        self.most = most

    def wait(self, timeout=None):
        self.pauses.append(timeout)
        self.now += timeout or 0.0
        if len(self.pauses) >= self.most:
            self.set()
        return self.is_set()


def take(stream, most, seconds=60.0):
    """Take frames until there are enough or time is up."""
    taken = []
    timer = threading.Timer(seconds, stream.close)
    timer.start()
    for frame in stream.frames():
        taken.append(frame)
        if len(taken) >= most:
            stream.close()
    timer.cancel()
    return taken


def test_a_transport_stream_over_http():
    data = transport_stream(scenes([1, 2], 10))
    with StreamServer(lambda _n: iter([data])) as server:
        before = time.time()
        frames = take(LiveStream(server.url, patience=QUICK), 20)
    assert [frame.number for frame in frames] == list(range(20))
    assert frames[0].uri is None
    assert frames[3].path == f"{server.url}!frame=3"
    assert all(before <= frame.seconds <= time.time() for frame in frames)
    assert all(frame.captured_at is not None for frame in frames)
    assert frames[0].pixels.image().size == (160, 120)


def test_a_motion_jpeg_stream_gives_the_cameras_own_files():
    with StreamServer(lambda _n: motion_jpeg(scenes([1, 2], 8), 0.01), MOTION_JPEG) as server:
        frames = take(LiveStream(server.url, patience=QUICK), 10)
    sent = list(motion_jpeg(scenes([1, 2], 8)))
    for number, frame in enumerate(frames):
        assert frame.pixels.format == "MJPEG"
        assert frame.pixels.encoded() == sent[2 * number + 1][:-2]
        assert Image.open(io.BytesIO(frame.pixels.encoded())).size == (160, 120)


def test_a_lost_connection_is_made_again_and_counted():
    data = transport_stream(scenes([1], 10))

    def serve(number):
        if number in {1, 2}:
            return  # answers, but sends nothing
        yield data

    with StreamServer(serve) as server:
        stream = LiveStream(server.url, patience=QUICK)
        frames = take(stream, 20)
    assert [frame.number for frame in frames] == list(range(20))
    assert server.connections >= 4
    assert stream.counts.reconnects >= 1


def test_pauses_grow_up_to_a_limit_while_the_stream_stays_away():
    data = transport_stream(scenes([1], 5))
    waits = Waits(most=6)
    with StreamServer(lambda _n: iter([data])) as server:
        stream = LiveStream(server.url, patience=QUICK)
        stream._closed = waits
        frames = stream.frames()
        next(frames)
    # the server is gone once the connection is read to its end
    assert len(list(frames)) <= 4
    assert waits.pauses == [0.01, 0.02, 0.04, 0.04, 0.04, 0.04]


def test_a_corrupt_packet_costs_its_frame():
    parts = list(motion_jpeg(scenes(range(10), 1)))
    parts[9] = bytes(len(parts[9]) - 2) + b"\r\n"

    with StreamServer(lambda _n: iter(parts), MOTION_JPEG) as server:
        stream = LiveStream(server.url, patience=QUICK)
        frames = take(stream, 9)
    assert stream.counts.corrupt >= 1
    shown = [np.asarray(frame.pixels.image(), np.int16) for frame in frames]
    wanted = [np.asarray(scene(number), np.int16) for number in range(10) if number != 4]
    for got, want in zip(shown, wanted, strict=True):
        assert np.abs(got - want).mean() < 12


def test_a_stream_that_never_answers_is_bad_input(monkeypatch):
    patience = Patience(first_connection=10.0, first_pause=1.0, longest_pause=4.0)
    stream = LiveStream("http://127.0.0.1:9/x", patience=patience)
    stream._closed = waits = Waits()
    clock = SimpleNamespace(monotonic=lambda: waits.now)
    monkeypatch.setattr(stream_module, "time", clock)
    with pytest.raises(InputError, match=r"cannot read the stream http://127\.0\.0\.1:9/x"):
        list(stream.frames())
    # another 4 s would be beyond the 10
    assert waits.pauses == [1.0, 2.0, 4.0]


def test_an_address_that_does_not_exist_is_bad_input_at_once():
    with StreamServer(lambda _n: None) as server:
        patience = Patience(first_connection=60.0)
        with pytest.raises(InputError, match="404 not found"):
            list(LiveStream(server.url, patience=patience).frames())
        assert server.connections == 1


def test_silence_counts_as_a_lost_connection():
    data = transport_stream(scenes([1], 10))
    release = threading.Event()

    def serve(number):
        yield data
        if number == 0:
            release.wait(60)

    patience = Patience(first_connection=600, silence=0.5, first_pause=0.01, longest_pause=0.1)
    with StreamServer(serve) as server:
        frames = take(LiveStream(server.url, patience=patience), 15)
        release.set()
    assert len(frames) == 15
    assert server.connections >= 2


def test_sampling_by_time_goes_by_the_clock(monkeypatch):
    tenths = itertools.count()
    clock = SimpleNamespace(time=lambda: next(tenths) / 10, monotonic=time.monotonic)
    monkeypatch.setattr(stream_module, "time", clock)
    with StreamServer(lambda _n: motion_jpeg(scenes([1], 40)), MOTION_JPEG) as server:
        stream = LiveStream(server.url, sampling=Sampling(every=0.5), patience=QUICK)
        frames = take(stream, 4)
    assert [(frame.number, frame.seconds) for frame in frames] == [
        (0, 0.0),
        (5, 0.5),
        (10, 1.0),
        (15, 1.5),
    ]


def test_a_camera_that_is_not_there_is_bad_input():
    patience = Patience(first_connection=0.0)
    with pytest.raises(InputError, match="cannot read the stream /dev/video97: does not exist"):
        list(LiveStream("/dev/video97", patience=patience).frames())


def test_addresses_and_passwords():
    assert is_stream("rtsp://cam/1")
    assert is_stream("HTTP://cam/1")
    assert not is_stream("/data/frames")
    assert not is_stream("weird://cam")
    assert is_camera("/dev/video3")
    assert not is_camera("/dev/null")
    assert without_password("rtsp://u:p@ss@h/1") == "rtsp://u:***@h/1"
    assert without_password("rtsp://u@h/1") == "rtsp://u@h/1"
    assert LiveStream("rtsp://u:secret@h/1").name == "rtsp://u:***@h/1"

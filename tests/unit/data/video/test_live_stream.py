"""Streams that come at their own pace, break off and come back."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from made_videos import MOTION_JPEG, StreamServer, motion_jpeg, scene, scenes, transport_stream
from tamis.data.video.sampling import Sampling
from tamis.data.video.stream import LiveStream, Patience, is_camera, is_stream, without_password
from tamis.errors import InputError

pytest.importorskip("av")

QUICK = Patience(first_connection=1.0, silence=2.0, first_pause=0.05, longest_pause=0.2)


def take(stream, most, seconds=20.0):
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


def test_pauses_grow_up_to_a_limit_while_the_stream_stays_away(monkeypatch):
    data = transport_stream(scenes([1], 5))
    pauses = []

    class Closed(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            return super().wait(0.001)

    with StreamServer(lambda _n: iter([data])) as server:
        stream = LiveStream(server.url, patience=QUICK)
        stream._closed = Closed()
        frames = stream.frames()
        next(frames)
    # the server is gone once the connection is read to its end
    threading.Timer(0.7, stream.close).start()
    assert len(list(frames)) <= 4
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.2]


def test_a_corrupt_packet_costs_its_frame():
    parts = list(motion_jpeg(scenes(range(10), 1)))
    parts[9] = bytes(len(parts[9]) - 2) + b"\r\n"

    with StreamServer(lambda _n: iter(parts), MOTION_JPEG) as server:
        stream = LiveStream(server.url, patience=QUICK)
        frames = take(stream, 9, seconds=5)
    assert stream.counts.corrupt >= 1
    shown = [np.asarray(frame.pixels.image(), np.int16) for frame in frames]
    wanted = [np.asarray(scene(number), np.int16) for number in range(10) if number != 4]
    for got, want in zip(shown, wanted, strict=True):
        assert np.abs(got - want).mean() < 12


def test_a_stream_that_never_answers_is_bad_input():
    started = time.monotonic()
    with pytest.raises(InputError, match=r"cannot read the stream http://127\.0\.0\.1:9/x"):
        list(LiveStream("http://127.0.0.1:9/x", patience=QUICK).frames())
    assert time.monotonic() - started < 10


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
            release.wait(30)

    patience = Patience(first_connection=1.0, silence=0.5, first_pause=0.01, longest_pause=0.1)
    with StreamServer(serve) as server:
        frames = take(LiveStream(server.url, patience=patience), 15)
        release.set()
    assert len(frames) == 15
    assert server.connections >= 2


def test_sampling_by_time_goes_by_the_clock():
    with StreamServer(lambda _n: motion_jpeg(scenes([1], 40), 0.02), MOTION_JPEG) as server:
        stream = LiveStream(server.url, sampling=Sampling(every=0.2), patience=QUICK)
        frames = take(stream, 3)
    ticks = [int(frame.seconds / 0.2) for frame in frames]
    assert len(set(ticks)) == 3
    assert frames[2].number > 4


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

"""Frames of network streams and cameras, which come at their own pace and may break off."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tamis.errors import InputError
from tamis.sources.image_reference import ImageReference
from tamis.sources.video.container import (
    NoVideoError,
    open_container,
    reading_errors,
    video_track,
)
from tamis.sources.video.decoded import VideoPixels
from tamis.sources.video.frames import Frame, SourceCounts
from tamis.sources.video.library import load_av, reason_of
from tamis.sources.video.sampling import EVERY_FRAME, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LiveStream", "Patience", "is_camera", "is_stream", "without_password"]

_SCHEMES = {"http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "srt", "tcp", "udp", "rtp", "unix"}
_CAMERA = re.compile(r"/dev/video\d+|/dev/v4l/.+")
_JPEG_START, _HUFFMAN_TABLE = b"\xff\xd8", b"\xff\xc4"
_OPTIONS = {"rtsp_transport": "tcp"}


@dataclass(frozen=True)
class Patience:
    """How long a stream is waited for.

    Attributes:
        first_connection: seconds within which the stream must answer at all.
        silence: seconds without a packet after which a connection counts as lost.
        first_pause: seconds before a lost connection is tried again; doubled after each failure.
        longest_pause: seconds.
    """

    first_connection: float = 30.0
    silence: float = 10.0
    first_pause: float = 0.5
    longest_pause: float = 60.0


def is_stream(source: str) -> bool:
    """Tell whether a source is a network address.

    >>> is_stream("rtsp://cam1/live"), is_stream("frames/")
    (True, False)
    """
    scheme, mark, _ = source.partition("://")
    return bool(mark) and scheme.lower() in _SCHEMES


def is_camera(source: str) -> bool:
    """Tell whether a source is a camera of this machine.

    >>> is_camera("/dev/video0")
    True
    """
    return _CAMERA.fullmatch(source) is not None


def without_password(url: str) -> str:
    """Return an address as it may be shown and stored.

    >>> without_password("rtsp://admin:secret@10.0.0.7:554/live")
    'rtsp://admin:***@10.0.0.7:554/live'
    """
    user, mark, place = urlsplit(url).netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return url.replace(f"{user}{mark}{place}", f"{name}:***@{place}", 1) if colon else url


class LiveStream:
    """A network stream or camera; a lost connection is made again, a bad packet costs a frame.

    Args:
        address: what FFmpeg opens: RTSP, HTTP (MJPEG, HLS), MPEG-TS over TCP or UDP, RTMP, SRT,
            or `/dev/video0`.
        sampling: which frames are yielded.
        patience: how long it is waited for.

    Attributes:
        name: the address without its password.
        live: True.
        counts: what it met so far.

    Raises:
        MissingExtraError: PyAV is not installed.
    """

    live = True

    def __init__(
        self,
        address: str,
        *,
        sampling: Sampling = EVERY_FRAME,
        patience: Patience = Patience(),
    ) -> None:
        self.name = without_password(address)
        self._av = load_av(f"the stream {self.name}")
        self._errors = reading_errors()
        self.counts = SourceCounts()
        self._address = address
        self._sampling = sampling
        self._patience = patience
        self._closed = threading.Event()
        self._number = 0

    def close(self) -> None:
        """Make `frames` end soon; may be called from another thread."""
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        """Yield sampled frames, over however many connections, until closed.

        Raises:
            InputError: the stream does not answer at first, or is no video.
        """
        sampler = self._sampling.sampler()
        pause = self._patience.first_pause
        container = self._first_connection()
        while not self._closed.is_set():
            if container is not None:
                before = self._number
                with container:
                    yield from self._frames_of(container, sampler.takes)
                if self._number > before:
                    pause = self._patience.first_pause
            if self._closed.wait(pause):
                return
            pause = min(2.0 * pause, self._patience.longest_pause)
            try:
                container = self._connect()
                self.counts.reconnects += 1
            except NoVideoError:
                container = None
            except self._errors:
                container = None

    def _first_connection(self) -> Any:
        deadline = time.monotonic() + self._patience.first_connection
        pause = self._patience.first_pause
        while True:
            try:
                return self._connect()
            except NoVideoError as error:
                raise InputError(f"cannot read the stream {self.name}: {error}") from error
            except self._errors as error:
                hopeless = isinstance(
                    error, self._av.HTTPClientError | self._av.error.LookupError | ValueError
                )
                if hopeless or time.monotonic() + pause > deadline or self._closed.wait(pause):
                    raise InputError(
                        f"cannot read the stream {self.name}: {reason_of(error)}"
                    ) from error
                pause = min(2.0 * pause, self._patience.longest_pause)

    def _connect(self) -> Any:
        patience = (self._patience.silence, self._patience.silence)
        camera = is_camera(self._address)
        container = open_container(
            self._address,
            form="v4l2" if camera else None,
            options={} if camera else _OPTIONS,
            timeout=patience,
        )
        try:
            video_track(container)
        except NoVideoError:
            container.close()
            raise
        return container

    def _frames_of(self, container: Any, takes: Callable[[float], bool]) -> Iterator[Frame]:
        stream = video_track(container)
        if self._sampling.key_frames:
            stream.codec_context.skip_frame = "NONKEY"
        codec = str(stream.codec_context.name)
        packets = container.demux(stream)
        while not self._closed.is_set():
            try:
                packet = next(packets, None)
            except self._av.InvalidDataError:
                self.counts.corrupt += 1
                continue
            except self._errors:
                return
            if packet is None:
                return
            for frame in self._decode(packet):
                seconds = time.time()
                number, self._number = self._number, self._number + 1
                if takes(seconds):
                    path = str(ImageReference(self.name, frame=number))
                    yield Frame(
                        path=path,
                        uri=None,
                        source=self.name,
                        number=number,
                        seconds=seconds,
                        captured_at=datetime.now(),  # noqa: DTZ005 - the camera's local time
                        pixels=VideoPixels(frame, codec, path, _whole_jpeg(packet, codec)),
                    )

    def _decode(self, packet: Any) -> list[Any]:
        try:
            decoded = packet.decode()
        except self._errors:
            self.counts.corrupt += 1
            return []
        sound = [frame for frame in decoded if not frame.is_corrupt]
        self.counts.corrupt += len(decoded) - len(sound)
        return sound


def _whole_jpeg(packet: Any, codec: str) -> bytes | None:
    """Return a packet that is a JPEG file; some cameras leave out the tables that make it one."""
    if codec != "mjpeg":
        return None
    data = bytes(packet)
    return data if data.startswith(_JPEG_START) and _HUFFMAN_TABLE in data else None

"""Frames of a video file, each with a number that stays the same however it is reached."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.data.video.decoded import VideoPixels
from tamis.data.video.frames import Frame, SourceCounts
from tamis.data.video.library import load_av, reason_of
from tamis.data.video.places import frame_uri
from tamis.data.video.sampling import EVERY_FRAME, Sampling
from tamis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["VideoFile"]


class VideoFile:
    """An open video file.

    Frames are numbered from 0 in the order they are shown, by the times that the file states, so
    that a frame that cannot be decoded leaves its number unused. In the few formats that state no
    times, frames are counted as they are decoded.

    Args:
        path: the file.
        name: the file as the user gave it.
        sampling: which frames `frames` yields.
        start: number of the first frame that `frames` may yield.

    Attributes:
        name: see above.
        live: False.
        counts: what it met so far.
        codec: such as `h264`.
        position: number of the frame that was decoded last; -1 before any.

    Raises:
        InputError: it cannot be read, or holds no video.
        MissingExtraError: PyAV is not installed.
    """

    live = False

    def __init__(
        self, path: str, name: str, *, sampling: Sampling = EVERY_FRAME, start: int = 0
    ) -> None:
        self._av = load_av(f"reading the video {name}")
        self.name = name
        self.counts = SourceCounts()
        self.position = -1
        self._path = path
        self._sampling = sampling
        self._start = start
        self._closed = threading.Event()
        try:
            self._container = self._av.open(path)
        except self._av.FFmpegError as error:
            raise InputError(f"cannot read the video {name}: {reason_of(error)}") from error
        if not self._container.streams.video:
            self._container.close()
            raise InputError(f"there is no video in {name}")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.codec = str(self._stream.codec_context.name)
        self._index: NDArray[np.int64] | None = None
        self._began = _creation_time(self._container.metadata)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def close(self) -> None:
        """Make `frames` end soon; may be called from another thread."""
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        """Yield the sampled frames in their order."""
        sampler = self._sampling.sampler()
        self._stream.codec_context.skip_frame = "NONKEY" if self._sampling.key_frames else "DEFAULT"
        if self._start > 0:
            self.seek(self._start)
        with self:
            for frame in self.decode():
                if self._closed.is_set():
                    return
                if frame.number >= self._start and sampler.takes(frame.seconds):
                    yield frame

    def decode(self) -> Iterator[Frame]:
        """Yield all frames from the present position on; a corrupt packet costs itself."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.FFmpegError:
                self.counts.corrupt += 1
                return
            if packet is None:
                return
            yield from self._decode_packet(packet)

    def _decode_packet(self, packet: Any) -> Iterator[Frame]:
        try:
            decoded = packet.decode()
        except self._av.FFmpegError:
            self.counts.corrupt += 1
            return
        for frame in decoded:
            self.position = self._number(frame)
            if frame.is_corrupt:
                self.counts.corrupt += 1
            else:
                yield self._frame(frame)

    def seek(self, number: int) -> None:
        """Go to the last key frame at or before a frame, or to the start where none is known."""
        times = self._times()
        numbered = times is not None and number < times.size
        self._container.seek(
            int(times[number]) if times is not None and numbered else 0,
            stream=self._stream,
        )
        self.position = -1

    def _frame(self, frame: Any) -> Frame:
        seconds = 0.0 if frame.time is None else frame.time - self._offset()
        captured = self._began + timedelta(seconds=seconds) if self._began else None
        return Frame(
            path=frame_uri(self.name, self.position),
            uri=frame_uri(self._path, self.position),
            source=self.name,
            number=self.position,
            seconds=seconds,
            captured_at=captured,
            pixels=VideoPixels(frame, self.codec),
        )

    def _offset(self) -> float:
        start = self._stream.start_time
        return 0.0 if start is None else float(start * self._stream.time_base)

    def _number(self, frame: Any) -> int:
        times = self._times()
        if times is None or frame.pts is None:
            return self.position + 1
        return int(np.searchsorted(times, frame.pts))

    def _times(self) -> NDArray[np.int64] | None:
        """The time stamps of all frames, ascending; None where the file states none."""
        if self._index is None:
            self._index = _time_stamps(self._av, self._path)
        return self._index if self._index.size else None


def _time_stamps(av: Any, path: str) -> NDArray[np.int64]:
    """Read the time stamps of all packets without decoding any; empty if some have none."""
    with av.open(path) as container:
        stamps = []
        try:
            for packet in container.demux(container.streams.video[0]):
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is None:
                    return np.empty(0, dtype=np.int64)
                stamps.append(packet.pts)
        except av.FFmpegError:
            # What can be read up to the damage is what can be decoded, too.
            pass
    return np.unique(np.array(stamps, dtype=np.int64))


def _creation_time(metadata: dict[str, str]) -> datetime | None:
    try:
        written = datetime.fromisoformat(metadata["creation_time"])
    except (KeyError, ValueError):
        return None
    # The dataset holds the time of day at the camera; that of this machine is the best guess.
    zoned = written if written.tzinfo else written.replace(tzinfo=UTC)
    return zoned.astimezone().replace(tzinfo=None)

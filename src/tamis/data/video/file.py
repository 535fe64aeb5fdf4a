"""Frames of a video file, each with a number that stays the same however it is reached."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.data.video.decoded import VideoPixels
from tamis.data.video.frames import Frame, SourceCounts
from tamis.data.video.library import load_av, reason_of
from tamis.data.video.places import frame_uri
from tamis.data.video.sampling import EVERY_FRAME, Sampling
from tamis.data.video.time_stamps import time_stamps
from tamis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from tamis.data.video.time_stamps import TimeStamps
    from tamis.types import Indices

__all__ = ["UnreadableVideoError", "VideoFile"]

_STEPS_BACK = (50, 500)


class UnreadableVideoError(InputError):
    """A file is no video, or cannot be opened as one.

    Args:
        message: with the file's name.
        reason: one short sentence without it.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableVideoError], tuple[str, str]]:
        return type(self), (str(self), self.reason)


class VideoFile:
    """An open video file.

    A damaged packet costs its frame, which `counts` tells, and those that were encoded by it.

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
        position: number of the frame that was decoded last; -1 at the start.

    Raises:
        UnreadableVideoError: it cannot be read, or holds no video.
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
        self._open()
        self.codec = str(self._stream.codec_context.name)
        self._decoded = 0
        self._time_stamps: TimeStamps | None = None
        self._began = _creation_time(self._container.metadata)

    def _open(self) -> None:
        try:
            self._container = self._av.open(self._path)
        except self._av.FFmpegError as error:
            reason = reason_of(error)
            raise UnreadableVideoError(
                f"cannot read the video {self.name}: {reason}",
                f"cannot be read as a video: {reason}",
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise UnreadableVideoError(
                f"there is no video in {self.name}", "there is no video in it"
            )
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._moved = False
        if self._sampling.key_frames:
            self._stream.codec_context.skip_frame = "NONKEY"

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
        expected = self._start
        with self:
            for frame in self.decode_from(self._start):
                if self._closed.is_set():
                    return
                if not self._sampling.key_frames:
                    # Whatever the decoder made of a damaged packet, its frame is missing.
                    self.counts.corrupt += frame.number - expected
                    expected = frame.number + 1
                if sampler.takes(frame.seconds):
                    yield frame
            times = self._times()
            if times is not None and not self._sampling.key_frames:
                self.counts.corrupt += max(0, times.size - expected)

    def sampled_numbers(self) -> Indices | None:
        """Tell which frames `frames` yields if all are sound, without decoding any.

        Returns:
            `[S]` numbers, ascending; None where the file states no times.
        """
        times = self._times()
        if times is None:
            return None
        numbers = np.arange(times.size)
        if self._sampling.key_frames:
            numbers = self._read_time_stamps().key_frames
        elif self._sampling.every > 0.0:
            seconds = times * float(self._stream.time_base) - self._offset()
            takes = self._sampling.sampler().takes
            numbers = np.flatnonzero([takes(second) for second in seconds.tolist()])
        return numbers[numbers >= self._start]

    @property
    def damage(self) -> str | None:
        """What of the file could not be read, in words, once `frames` has ended; None if nothing.

        Of frames that were decoded by sampling key frames alone nothing is told.
        """
        if self._decoded == 0:
            return "holds no frame that can be decoded"
        missing = self._read_time_stamps().missing
        broken = self.counts.corrupt
        frames = f"{broken} of its frames cannot be decoded" if broken else None
        return "; ".join(part for part in (frames, missing) if part) or None

    def _decode(self) -> Iterator[Frame]:
        self._moved = True
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.FFmpegError:
                return
            if packet is None:
                return
            yield from self._decode_packet(packet)

    def _decode_packet(self, packet: Any) -> Iterator[Frame]:
        try:
            decoded = packet.decode()
        except self._av.FFmpegError:
            return
        for frame in decoded:
            self.position = self._number(frame)
            if not frame.is_corrupt:
                self._decoded += 1
                yield self._frame(frame)

    def decode_from(self, number: int) -> Iterator[Frame]:
        """Yield all sound frames from a number on, whatever was decoded before."""
        for back in (0, *_STEPS_BACK, number):
            self._go_to(number - back)
            frames = self._decode()
            first = next(frames, None)
            # Some containers have no index, and a seek may land behind the frame.
            if first is not None and (first.number <= number or back == number):
                later = (frame for frame in chain([first], frames) if frame.number >= number)
                yield from later
                return

    def _go_to(self, number: int) -> None:
        """Go to a key frame, about the last one at or before a number."""
        times = self._times()
        self.position = -1
        if number <= 0 or times is None:
            if self._moved:
                # Even to the start some containers cannot seek.
                self._container.close()
                self._open()
        elif number < times.size:
            self._container.seek(int(times[number]), stream=self._stream)

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
        stamps = self._read_time_stamps().stamps
        return stamps if stamps.size else None

    def _read_time_stamps(self) -> TimeStamps:
        if self._time_stamps is None:
            self._time_stamps = time_stamps(self._path)
        return self._time_stamps


def _creation_time(metadata: dict[str, str]) -> datetime | None:
    try:
        written = datetime.fromisoformat(metadata["creation_time"])
    except (KeyError, ValueError):
        return None
    # The dataset holds the time of day at the camera; that of this machine is the best guess.
    zoned = written if written.tzinfo else written.replace(tzinfo=UTC)
    return zoned.astimezone().replace(tzinfo=None)

"""Frames of a video file, each with a number that stays the same however it is reached."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import InputError
from tamis.sources.image_reference import ImageReference
from tamis.sources.video.container import (
    NoVideoError,
    open_container,
    reading_errors,
    video_track,
)
from tamis.sources.video.decoded import VideoPixels
from tamis.sources.video.frame_numbers import FrameNumbers, FramesMet
from tamis.sources.video.frames import Frame, SourceCounts
from tamis.sources.video.library import load_av, reason_of
from tamis.sources.video.running_clock import RunningClock
from tamis.sources.video.sampling import EVERY_FRAME, Sampling
from tamis.sources.video.time_stamps import time_stamps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from tamis.sources.video.time_stamps import TimeStamps
    from tamis.types import Indices

__all__ = ["UnreadableVideoError", "VideoFile"]

_STEPS_BACK = (50, 500)
_USUAL_RATE = 25.0
"""Frames a second of a file that states neither times nor a rate, as FFmpeg assumes, too."""


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
    that a frame that cannot be decoded leaves its number unused. In a file that states no times,
    or times that go back, frames are counted as they are decoded, from its start each time; what
    it does not say of their times follows from its rate.

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
        load_av(f"reading the video {name}")
        self._errors = reading_errors()
        self.name = name
        self.counts = SourceCounts()
        self.position = -1
        self._path = path
        self._sampling = sampling
        self._start = start
        self._closed = threading.Event()
        self._stated: TimeStamps | None = None
        self._numbers: FrameNumbers | None = None
        self._open()
        self.codec = str(self._stream.codec_context.name)
        self._decoded = 0
        self._began = _creation_time(self._container.metadata)

    def _open(self) -> None:
        try:
            self._container = open_container(self._path)
        except self._errors as error:
            raise self._unreadable(error) from error
        try:
            self._stream = video_track(self._container)
        except NoVideoError as error:
            self._container.close()
            raise self._without_video(error) from error
        self._moved = False
        rate = self._stream.guessed_rate or self._stream.average_rate
        self._clock = RunningClock(float(rate or _USUAL_RATE))
        # Of counted frames all have to be decoded, or they would be counted wrongly.
        if self._sampling.key_frames and self.states_times:
            self._stream.codec_context.skip_frame = "NONKEY"

    def _without_video(self, error: NoVideoError) -> UnreadableVideoError:
        return UnreadableVideoError(f"cannot read {self.name}: {error}", str(error))

    def _unreadable(self, error: Exception) -> UnreadableVideoError:
        reason = reason_of(error)
        return UnreadableVideoError(
            f"cannot read the video {self.name}: {reason}", f"cannot be read as a video: {reason}"
        )

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

    @property
    def states_times(self) -> bool:
        """Whether frames are found by the times that the file states, rather than by counting."""
        return self._times() is not None

    def frames(self) -> Iterator[Frame]:
        """Yield the sampled frames in their order."""
        sampler = self._sampling.sampler()
        times = self._times()
        met = None if times is None else FramesMet(times, self._start)
        expected = self._start
        with self:
            for frame in self.decode_from(self._start):
                if self._closed.is_set():
                    return
                if met is not None:
                    if not met.meet(frame.number):
                        continue
                    if not self._sampling.key_frames:
                        # Whatever the decoder made of a damaged packet, its frame is missing.
                        self.counts.corrupt = met.missing(ended=False)
                else:
                    self.counts.corrupt += frame.number - expected
                    expected = frame.number + 1
                if sampler.takes(frame.seconds):
                    yield frame
            if met is not None and not self._sampling.key_frames:
                self.counts.corrupt = met.missing(ended=True)

    def sampled_numbers(self) -> Indices | None:
        """Tell which frames `frames` yields if all are sound, without decoding any.

        Returns:
            `[S]` numbers, ascending; None where frames have to be counted.
        """
        times = self._times()
        if times is None:
            return None
        numbers = np.arange(times.size)
        if self._sampling.key_frames:
            numbers = self._time_stamps().key_frames
        elif self._sampling.every > 0.0:
            takes = self._sampling.sampler().takes
            numbers = np.flatnonzero([takes(self._seconds(stamp)) for stamp in times.tolist()])
        return numbers[numbers >= self._start]

    @property
    def damage(self) -> str | None:
        """What of the file could not be read, in words, once `frames` has ended; None if nothing.

        Of frames that were decoded by sampling key frames alone nothing is told.
        """
        if self._decoded == 0:
            return "holds no frame that can be decoded"
        missing = self._time_stamps().missing
        broken = self.counts.corrupt
        frames = f"{broken} of its frames cannot be decoded" if broken else None
        return "; ".join(part for part in (frames, missing) if part) or None

    def _decode(self) -> Iterator[Frame]:
        self._moved = True
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._errors:
                break
            if packet is None:
                return
            yield from self._decode_packet(packet)
        # Where reading breaks off, the decoder's threads still hold frames.
        yield from self._decode_packet(None)

    def _decode_packet(self, packet: Any) -> Iterator[Frame]:
        """Decode a packet, or with None what the decoder still holds."""
        try:
            decoded = self._stream.codec_context.decode(packet)
        except self._errors:
            return
        for frame in decoded:
            number = self._number(frame)
            if number is None:
                continue
            self.position = number
            seconds = self._seconds_of(frame)
            if frame.is_corrupt:
                continue
            self._decoded += 1
            if not self._sampling.key_frames or self.states_times or frame.key_frame:
                yield self._frame(frame, seconds)

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
        stamp = None
        if times is not None and self._numbers is not None:
            self._numbers.restart()
            if number >= times.size:
                return
            stamp = self._numbers.seek_to(number) if number > 0 else None
        if stamp is not None:
            self._container.seek(stamp, stream=self._stream)
        elif self._moved:
            # Even to the start some containers cannot seek.
            self._container.close()
            self._open()

    def _frame(self, frame: Any, seconds: float) -> Frame:
        path = str(ImageReference(self.name, frame=self.position))
        return Frame(
            path=path,
            uri=str(ImageReference(self._path, frame=self.position)),
            source=self.name,
            number=self.position,
            seconds=seconds,
            captured_at=_later(self._began, seconds),
            pixels=VideoPixels(frame, self.codec, path),
        )

    def _number(self, frame: Any) -> int | None:
        """Number a frame that was decoded; None where it cannot be told which it is."""
        if self._numbers is None:
            return self.position + 1
        return None if frame.pts is None else self._numbers.of(frame.pts)

    def _seconds_of(self, frame: Any) -> float:
        if self.states_times:
            return self._seconds(frame.pts)
        stated = None if frame.pts is None else frame.pts * float(self._stream.time_base or 0)
        return self._clock.of(stated)

    def _seconds(self, stamp: int) -> float:
        """Return the time since the first frame."""
        first = int(self._time_stamps().stamps[0])
        return float(stamp - first) * float(self._stream.time_base or 0)

    def _times(self) -> NDArray[np.int64] | None:
        """The time stamps of all frames, ascending; None where they have to be counted."""
        stamps = self._time_stamps().stamps
        return stamps if stamps.size else None

    def _time_stamps(self) -> TimeStamps:
        if self._stated is None:
            try:
                self._stated = time_stamps(self._path)
            except NoVideoError as error:
                raise self._without_video(error) from error
            except self._errors as error:
                raise self._unreadable(error) from error
            if self._stated.stamps.size:
                self._numbers = FrameNumbers(self._stated.stamps)
        return self._stated


def _creation_time(metadata: dict[str, str]) -> datetime | None:
    try:
        written = datetime.fromisoformat(metadata["creation_time"])
        # The dataset holds the time of day at the camera; that of this machine is the best guess.
        zoned = written if written.tzinfo else written.replace(tzinfo=UTC)
        return zoned.astimezone().replace(tzinfo=None)
    except (KeyError, ValueError, OverflowError):
        return None


def _later(moment: datetime | None, seconds: float) -> datetime | None:
    """Return the time so much later; None if no calendar has it."""
    try:
        return None if moment is None else moment + timedelta(seconds=seconds)
    except OverflowError:
        return None

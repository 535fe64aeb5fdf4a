"""Frames of several sources at once, decoded by a thread each, up to a bound."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from tamis.errors import TamisError
from tamis.sources.video.folder import LiveFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.sources.video.frames import Frame, FrameSource

__all__ = ["Arrival", "Behind", "FrameQueue"]

Behind = Literal["drop", "block"]

_ROOM = 32
"""Frames of a source that may wait: a second of most cameras, and 400 MB of 4K at the most."""

_PATIENCE = 1.0


class Arrival(NamedTuple):
    """A frame that was decoded.

    Attributes:
        frame: the frame.
        arrived: when, on the monotonic clock.
        key: of a folder, what names the file in the state in which it was taken.
    """

    frame: Frame
    arrived: float
    key: bytes | None


@dataclass
class _Queue:
    """What waits of one source."""

    source: FrameSource
    behind: Behind
    waiting: deque[Arrival]
    arrived: int = 0
    dropped: int = 0
    ended: bool = False
    error: TamisError | None = None


class FrameQueue:
    """Decodes sources in threads and hands their frames over, oldest first and in turns.

    When a source is faster than what takes its frames, either its oldest waiting frame is dropped
    and counted, or its decoding waits.

    Args:
        sources: what to decode.
        behind: `drop` or `block`; None drops frames of live sources and lets others wait.
        room: frames of each source that may wait.
    """

    def __init__(
        self, sources: Sequence[FrameSource], behind: Behind | None = None, room: int = _ROOM
    ) -> None:
        self._room = room
        self._queues = [
            _Queue(source, behind or ("drop" if source.live else "block"), deque())
            for source in sources
        ]
        self._change = threading.Condition()
        self._closed = False
        self._defect: BaseException | None = None
        self._turn = 0
        self._threads = [
            threading.Thread(
                target=self._run, args=(queue,), daemon=True, name=f"tamis-decode-{number}"
            )
            for number, queue in enumerate(self._queues)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:
            # One that waits for a silent network is left to end by itself.
            thread.join(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Take no more frames; those that wait can still be had."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        for queue in self._queues:
            queue.source.close()

    def take(self, most: int, *, timeout: float) -> tuple[int, list[Arrival]]:
        """Return the number of a source and frames of it that wait, in their order.

        Args:
            most: this many at most.
            timeout: seconds to wait for any; then there are none.
        """
        deadline = time.monotonic() + timeout
        with self._change:
            while True:
                self._raise_defect()
                for step in range(len(self._queues)):
                    number = (self._turn + step) % len(self._queues)
                    waiting = self._queues[number].waiting
                    if waiting:
                        taken = [waiting.popleft() for _ in range(min(most, len(waiting)))]
                        self._turn = number + 1
                        self._change.notify_all()
                        return number, taken
                left = deadline - time.monotonic()
                if left <= 0.0 or self._is_over():
                    return 0, []
                self._change.wait(left)

    def has_first(self, number: int, count: int) -> bool:
        """Tell whether so many frames of a source wait, or no more will come."""
        queue = self._queues[number]
        with self._change:
            self._raise_defect()
            return len(queue.waiting) >= count or queue.ended or self._closed

    def some_frames(self, number: int, most: int) -> list[Frame]:
        """Return the frames of a source that wait, `most` at most, without taking them."""
        with self._change:
            return [arrival.frame for arrival in list(self._queues[number].waiting)[:most]]

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nothing will come."""
        with self._change:
            return self._is_over()

    def _is_over(self) -> bool:
        return all(
            not queue.waiting and (queue.ended or self._closed) for queue in self._queues
        ) and (self._defect is None)

    def waiting(self, number: int) -> int:
        """How many frames of a source wait."""
        return len(self._queues[number].waiting)

    def arrived(self, number: int) -> int:
        """How many frames of a source were decoded."""
        return self._queues[number].arrived

    def dropped(self, number: int) -> int:
        """How many of them were dropped because nobody was there to take them."""
        return self._queues[number].dropped

    def has_ended(self, number: int) -> bool:
        """Whether a source came to its end by itself and nothing of it waits."""
        queue = self._queues[number]
        return queue.ended and queue.error is None and not self._closed and not queue.waiting

    def error(self, number: int) -> TamisError | None:
        """Why a source ended before its time."""
        return self._queues[number].error

    def _raise_defect(self) -> None:
        if self._defect is not None:
            raise self._defect

    def _run(self, queue: _Queue) -> None:
        try:
            for frame in queue.source.frames():
                folder = queue.source if isinstance(queue.source, LiveFolder) else None
                key = None if folder is None else folder.key_of(frame)
                if not self._put(queue, Arrival(frame, time.monotonic(), key)):
                    break
        except TamisError as error:
            queue.error = error
        except BaseException as error:  # noqa: BLE001 - raised again where frames are taken
            self._defect = error
        with self._change:
            queue.ended = True
            self._change.notify_all()

    def _put(self, queue: _Queue, arrival: Arrival) -> bool:
        with self._change:
            while queue.behind == "block" and len(queue.waiting) >= self._room and not self._closed:
                self._change.wait()
            if self._closed:
                return False
            queue.arrived += 1
            queue.waiting.append(arrival)
            if len(queue.waiting) > self._room:
                queue.waiting.popleft()
                queue.dropped += 1
            self._change.notify_all()
        return True

"""Which number a decoded frame has, by the time stamps of its file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FrameNumbers", "FramesMet"]


class FrameNumbers:
    """Numbers the frames of a file as they are decoded, from its start or from somewhere in it.

    A frame's number is its place in the order of time stamps; frames that have one in common
    follow each other as they are decoded. O(log N) a frame.

    Args:
        stamps: `[N]` int64, ascending.
    """

    def __init__(self, stamps: NDArray[np.int64]) -> None:
        self._stamps = stamps
        self._met = Counter[int]()

    def restart(self) -> None:
        """Forget what was decoded so far, as decoding goes on elsewhere."""
        self._met.clear()

    def of(self, stamp: int) -> int:
        """Return the number of the frame that was decoded next.

        A time stamp that is none of the file's counts as the next one.
        """
        first, after = np.searchsorted(self._stamps, (stamp, stamp + 1))
        if after - first <= 1:
            return int(first)
        before = self._met[stamp]
        self._met[stamp] += 1
        return int(min(first + before, after - 1))

    def seek_to(self, number: int) -> int | None:
        """Return a time stamp from which on decoding gives this frame its number.

        Of several frames that share one, all must be met. None stands for the file's start.
        """
        stamp = self._stamps[number]
        first, after = np.searchsorted(self._stamps, (stamp, stamp + 1))
        if after - first <= 1:
            return int(stamp)
        return int(self._stamps[first - 1]) if first > 0 else None


class FramesMet:
    """Which frames of a file were decoded, in whatever order they come.

    Args:
        stamps: `[N]` int64, ascending.
        start: number of the first frame that is looked for.
    """

    def __init__(self, stamps: NDArray[np.int64], start: int) -> None:
        new = np.diff(stamps) > 0
        self._moments = np.concatenate([[0], np.cumsum(new)]) if stamps.size else np.arange(0)
        self._is_met = np.zeros(stamps.size, dtype=bool)
        self._moment_is_met = np.zeros(int(self._moments[-1]) + 1 if stamps.size else 0, dtype=bool)
        self._first = int(self._moments[start]) if start < stamps.size else 0
        self._end = self._first
        self._count = 0

    def meet(self, number: int) -> bool:
        """Take note of a frame; tell whether it is the first of its number."""
        if number >= self._is_met.size or self._is_met[number]:
            return False
        self._is_met[number] = True
        moment = int(self._moments[number])
        self._end = max(self._end, moment + 1)
        if not self._moment_is_met[moment]:
            self._moment_is_met[moment] = True
            self._count += 1
        return True

    def missing(self, *, ended: bool) -> int:
        """Count the times of which no frame was met, up to the last one that was, or to the end.

        Packets that share a time stamp may be one frame in parts, or a frame that is not shown.
        """
        end = self._moment_is_met.size if ended else self._end
        return max(end - self._first - self._count, 0)

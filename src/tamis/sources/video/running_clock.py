"""The time of frames that were counted, whatever little their file says of it."""

from __future__ import annotations

__all__ = ["RunningClock"]


class RunningClock:
    """Tells the time of each frame in turn, from 0 on; it always goes forward.

    Where a file states no time, or one that does not lie after that of the frame before, as where
    a recorder began anew, one frame's length has passed.

    Args:
        rate: frames a second, above 0.

    >>> clock = RunningClock(25.0)
    >>> [clock.of(time) for time in (3.0, None, 3.5, 0.0, 1.0)]
    [0.0, 0.04, 0.5, 0.54, 1.54]
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._now: float | None = None
        self._began = 0.0
        self._stated = 0.0
        self._frames_since = 0

    def of(self, time: float | None) -> float:
        """Return the seconds from the first frame to the next one.

        Args:
            time: seconds, as the file states it.
        """
        if self._now is None:
            self._now, self._began = 0.0, time or 0.0
        elif time is not None and time - self._began > self._now:
            self._now = self._stated = time - self._began
            self._frames_since = 0
        else:
            # Counted from the last time that was stated, so that no error adds up.
            self._frames_since += 1
            self._now = self._stated + self._frames_since / self._rate
            if time is not None:
                self._began = time - self._now
        return self._now

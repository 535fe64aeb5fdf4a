"""Which frames of a source are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tamis.errors import UsageError

__all__ = ["EVERY_FRAME", "Sampling", "parse_sampling"]

_ROUNDING = 1e-6


@dataclass(frozen=True)
class Sampling:
    """Which frames are taken.

    Attributes:
        every: seconds from one taken frame to the next; 0 takes all.
        key_frames: take only frames that are encoded without reference to others, which decodes
            many times faster.
    """

    every: float = 0.0
    key_frames: bool = False

    def sampler(self) -> _Sampler:
        """Return what says of each frame in turn whether it is taken."""
        return _Sampler(self.every)


EVERY_FRAME = Sampling()


class _Sampler:
    def __init__(self, every: float) -> None:
        self._every = every
        self._next = -math.inf

    def takes(self, seconds: float) -> bool:
        """Tell whether the frame at this time is taken: the first at or after each tick."""
        if self._every == 0.0:
            return True
        if seconds < self._next - _ROUNDING:
            return False
        # Ticks lie on a grid from 0 on, so that a restart takes the same frames.
        tick = math.floor(seconds / self._every + _ROUNDING)
        self._next = (tick + 1) * self._every
        return True


def parse_sampling(text: str) -> Sampling:
    """Read `SECONDS`, `frame` or `keyframe`.

    Raises:
        UsageError: it is none of these.

    >>> parse_sampling("0.5")
    Sampling(every=0.5, key_frames=False)
    """
    if text == "frame":
        return EVERY_FRAME
    if text == "keyframe":
        return Sampling(key_frames=True)
    try:
        every = float(text)
    except ValueError:
        every = math.nan
    if not 0.0 < every < math.inf:
        raise UsageError(
            f"cannot take a frame every {text!r}; give seconds such as 0.5, or the word frame or "
            "keyframe"
        )
    return Sampling(every=every)

"""When each frame of a video file is shown, read from its packets without decoding any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.sources.video.container import open_container, reading_errors, video_track
from tamis.sources.video.library import reason_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["TimeStamps", "time_stamps"]

_STATE_THEIR_LENGTH = {"matroska", "webm", "flv", "asf"}
"""Containers whose header tells how long they are; of others FFmpeg guesses."""

_LEAST_MISSING_SECONDS, _LEAST_MISSING_SHARE = 0.5, 0.02

_MOST_OUT_OF_PLACE = 32
"""Frames may be stored this many places from where they are shown: twice what H.264 allows."""


@dataclass(frozen=True)
class TimeStamps:
    """The time stamps of a video's frames.

    Attributes:
        stamps: `[N]` int64, ascending, in the stream's time base; empty where a frame has none, or
            where they go back, so that they do not tell in which order frames are shown.
        key_frames: numbers of the frames that need no other to be decoded.
        missing: what the file's own header tells of that is not there, in words; None if nothing.
    """

    stamps: NDArray[np.int64]
    key_frames: Indices
    missing: str | None


def time_stamps(path: str) -> TimeStamps:
    """Return the time stamps of a file; those of the last few files are remembered.

    Reads the whole file: O(bytes) time, O(N) memory.

    Raises:
        NoVideoError: there is no video in it.
        Exception: one of `reading_errors`; what is read up to some damage is returned.
    """
    status = Path(path).stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _read(path: str, _changed: int, _size: int) -> TimeStamps:
    stamps: list[int] = []
    keys: list[int] = []
    untimed, count = 0, 0
    end = 0.0
    broken = None
    with open_container(path) as container:
        video = video_track(container)
        try:
            for packet in container.demux():
                is_video = packet.stream_index == video.index
                # What the header counts includes frames that are cut away and repeated ones.
                count += is_video and (packet.size > 0 or packet.dts is not None)
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is not None:
                    after = (packet.pts + (packet.duration or 0)) * packet.time_base
                    end = max(end, float(after))
                if not is_video:
                    continue
                if packet.pts is None:
                    untimed += 1
                    continue
                stamps.append(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        except reading_errors() as error:
            # What can be read up to the damage is what can be decoded, too.
            broken = f"reading stops before its end: {reason_of(error)}"
        missing = broken or _missing(container, video, count, end)
    known = _in_order_shown(np.array([] if untimed else stamps, dtype=np.int64))
    numbers = np.searchsorted(known, np.unique(np.array(keys, dtype=np.int64)))
    return TimeStamps(known, numbers if known.size else known, missing)


def _in_order_shown(stored: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort time stamps; return none where they are not those of one continuous recording."""
    order = np.argsort(stored, kind="stable")
    out_of_place = np.abs(order - np.arange(stored.size)).max(initial=0)
    known = stored[order]
    # Python's numbers: the difference may be beyond 64 bits.
    too_wide = known.size and int(known[-1]) - int(known[0]) > np.iinfo(np.int64).max
    return known[:0] if out_of_place > _MOST_OUT_OF_PLACE or too_wide else known


def _missing(container: Any, video: Any, packets: int, end: float) -> str | None:
    """Compare what was read with what the header promises."""
    if video.frames > packets:
        return f"the file ends early: {video.frames - packets} of {video.frames} frames are missing"
    if not _STATE_THEIR_LENGTH & set(container.format.name.split(",")) or not container.duration:
        return None
    length = container.duration / 1e6
    # Some writers count the length from 0, others from the first frame.
    absent = length - max(end, end - (container.start_time or 0) / 1e6)
    if absent <= max(_LEAST_MISSING_SECONDS, _LEAST_MISSING_SHARE * length):
        return None
    return f"the file ends early: {absent:.1f} of {length:.1f} seconds are missing"

"""Any frame of a video by its number, going forward where that is nearer than seeking."""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError, PictureError
from tamis.sources.video.file import VideoFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.sources.video.frames import Frame

__all__ = ["close_videos", "frame_content_hash", "read_frame"]

_KEPT_OPEN = 4
_HASH_BYTES = 16
_NEAR = 300
"""Up to this many frames ahead, decoding on costs about what seeking to a key frame does."""

_Version = tuple[str, int, int]  # path, time of change, size: a file that changed is another


class _Reader:
    """One decoder and where it stands."""

    def __init__(self, version: _Version) -> None:
        self.version = version
        self._video = VideoFile(version[0], version[0])
        self._frames: Iterator[Frame] | None = None

    @property
    def position(self) -> int:
        return self._video.position

    def read(self, number: int) -> Frame | None:
        """Return a frame, or None if it cannot be decoded."""
        ahead = number - self.position
        # Where frames are counted, going elsewhere means going back to the start.
        is_near = ahead > 0 and (ahead <= _NEAR or not self._video.states_times)
        if not is_near or self._frames is None:
            self._frames = self._video.decode_from(number)
        for frame in self._frames:
            if frame.number >= number:
                return frame if frame.number == number else None
        return None

    def close(self) -> None:
        self._video.__exit__(None, None, None)


_lock = threading.Lock()
_idle: list[_Reader] = []


def read_frame(video: str, number: int, path: str) -> Frame:
    """Decode one frame of a video.

    Thread-safe; each thread that asks at the same time gets a decoder of its own, and the last
    few are kept where they stand. Cheapest in rising order of number.

    Args:
        video: the file.
        number: the frame's.
        path: the frame as the user named it, for the error.

    Raises:
        PictureError: the video is gone or damaged, or has no such frame.
        MissingExtraError: PyAV is not installed.
    """
    try:
        reader = _take(_version(video, path), number)
        frame = reader.read(number)
    except InputError as error:
        raise PictureError(path, str(error)) from error
    _put_back(reader)
    if frame is None:
        raise PictureError(path, "the video has no such frame, or it is damaged")
    return frame


def frame_content_hash(video: str, number: int, path: str) -> str:
    """Hash a frame by the video's bytes and its number, whatever decodes it.

    Raises:
        PictureError: the video cannot be read.
    """
    version = _version(video, path)
    try:
        content = _hash_of(version)
    except OSError as error:
        raise PictureError(path, "the video cannot be read") from error
    text = f"{content}!frame={number}".encode()
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).hexdigest()


def close_videos() -> None:
    """Close every video that is kept open."""
    with _lock:
        while _idle:
            _idle.pop().close()


@lru_cache(maxsize=64)
def _hash_of(version: _Version) -> str:
    with Path(version[0]).open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=_HASH_BYTES)
        ).hexdigest()


def _version(video: str, path: str) -> _Version:
    try:
        status = Path(video).stat()
    except OSError as error:
        raise PictureError(path, "the video does not exist (any more)") from error
    return (video, status.st_mtime_ns, status.st_size)


def _take(version: _Version, number: int) -> _Reader:
    """Take the idle decoder that stands nearest before the frame, or open another."""
    with _lock:
        behind = [
            reader
            for reader in _idle
            if reader.version == version and 0 <= reader.position < number
        ]
        fit = max(behind, key=lambda reader: reader.position, default=None)
        if fit is not None:
            _idle.remove(fit)
            return fit
    return _Reader(version)


def _put_back(reader: _Reader) -> None:
    with _lock:
        _idle.append(reader)
        if len(_idle) > _KEPT_OPEN:
            _idle.pop(0).close()

"""PyAV, which decodes video and comes with the extra `video`."""

from __future__ import annotations

import errno
from functools import cache
from typing import TYPE_CHECKING, Any

from tamis.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["has_video_extension", "load_av", "reason_of"]

_EXTENSIONS = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
)


def has_video_extension(path: str) -> bool:
    """Tell whether a file's name promises a video.

    >>> has_video_extension("line3/Monday.MP4"), has_video_extension("Monday.jpg")
    (True, False)
    """
    return path.lower().endswith(_EXTENSIONS)


@cache
def load_av(what: str) -> ModuleType:
    """Return the module `av`.

    Args:
        what: what needs it, for the error.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(what, "video") from error
    return av


def reason_of(error: Any) -> str:
    """Say in a few words what FFmpeg complains about."""
    if error.errno == errno.ENOENT:
        return "does not exist (any more)"
    if error.errno == errno.EACCES:
        return "no permission to read it"
    return (error.strerror or type(error).__name__).lower()

"""PyAV, which decodes video and comes with the extra `video`."""

from __future__ import annotations

import errno
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["has_video_extension", "is_video", "is_video_among_files", "load_av", "reason_of"]

_EXTENSIONS = (
    *(".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264"),
    *(".h265", ".hevc", ".ivf", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    ".y4m",
)

_HEADS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"FLV\x01"),
    (0, b"OggS"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x06\x0e\x2b\x34"),  # MXF
    (8, b"AVI "),
)
_PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}
_TRANSPORT_PACKETS = ((0, 188), (4, 192))  # MPEG-TS, and as cameras and discs store it
_SYNC = 0x47
_HEAD_BYTES = 256
_ALSO_SOURCE_CODE = (".ts", ".mts")


def has_video_extension(path: str) -> bool:
    """Tell whether a file's name promises a video.

    >>> has_video_extension("line3/Monday.MP4"), has_video_extension("Monday.jpg")
    (True, False)
    """
    return path.lower().endswith(_EXTENSIONS)


def is_video(path: str) -> bool:
    """Tell whether a file's content is of a container of videos that is known by its head.

    It tells nothing of whether there are pictures in it: sound has the same containers.

    >>> is_video(__file__)
    False
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    if any(head[start : start + len(magic)] == magic for start, magic in _HEADS):
        return True
    return any(
        len(head) > start + length and head[start] == head[start + length] == _SYNC
        for start, length in _TRANSPORT_PACKETS
    )


def is_video_among_files(path: str) -> bool:
    """Tell whether a file that nobody named is a video, by its name; TypeScript has some as well.

    >>> is_video_among_files("/photos/Monday.mp4"), is_video_among_files("/photos/gone.ts")
    (True, False)
    """
    if path.lower().endswith(_ALSO_SOURCE_CODE):
        return is_video(path)
    return has_video_extension(path)


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


def reason_of(error: Exception) -> str:
    """Say in a few words what FFmpeg complains about, or that PyAV cannot cope."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return "does not exist (any more)"
    if number == errno.EACCES:
        return "no permission to read it"
    if isinstance(error, EOFError):
        return "the file ends too early"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    text = getattr(error, "strerror", None)
    return text.lower() if text else "its parts contradict each other"

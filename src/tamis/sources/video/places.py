"""How a frame inside a video is named, and the columns that say where it lies."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

__all__ = ["FRAME_COLUMNS", "frame_uri", "split_frame_uri"]

FRAME_COLUMNS: Final = pa.schema(
    [
        pa.field("video", pa.string()),
        pa.field("frame", pa.int64()),
        pa.field("seconds", pa.float64()),
    ]
)
"""What a frame's row has besides a picture's columns: the absolute path of its video, its number
in it and the time from the video's start. A dataset has them only once a frame was added; all are
null in rows of pictures."""

_FRAME = re.compile(r"(?s)(.+)!frame=(\d+)")


def frame_uri(video: str, number: int) -> str:
    """Name a frame of a video.

    >>> frame_uri("/data/line3.mp4", 12)
    '/data/line3.mp4!frame=12'
    """
    return f"{video}!frame={number}"


def split_frame_uri(uri: str) -> tuple[str, int] | None:
    """Return the video and the frame's number, or None if no frame is named.

    >>> split_frame_uri("/data/line3.mp4!frame=12"), split_frame_uri("/data/cats.zip!1.jpg")
    (('/data/line3.mp4', 12), None)
    """
    found = _FRAME.fullmatch(uri)
    return (found[1], int(found[2])) if found else None

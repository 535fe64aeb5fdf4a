"""How a frame inside a video is named."""

from __future__ import annotations

import re

__all__ = ["frame_uri", "split_frame_uri"]

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

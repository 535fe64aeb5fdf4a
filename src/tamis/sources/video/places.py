"""The columns that say where a frame lies."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = ["FRAME_COLUMNS"]

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

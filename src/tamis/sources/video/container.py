"""A container that is opened, and the track in it that is a video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.sources.video.library import load_av

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_FRAME_PIXELS", "NoVideoError", "open_container", "reading_errors", "video_track"]

MAX_FRAME_PIXELS = 140_000_000
"""Videos of larger frames are refused before one is decoded; 16K has 133 million."""

_MOST_PIXELS_IN_THREADS = 40_000_000
"""Of larger frames one is decoded at a time, since each thread holds several."""

_OF_PYAV = (ValueError, ArithmeticError, LookupError, AttributeError, OSError, MemoryError)
"""What PyAV itself raises on damaged files, as found by changing, cutting and adding bytes."""


class NoVideoError(Exception):
    """A container holds no video that can be decoded; says why."""


def reading_errors() -> tuple[type[Exception], ...]:
    """Return all that may be raised by reading a damaged container or decoding what is in it."""
    return (load_av("reading a video").FFmpegError, *_OF_PYAV)


def open_container(
    address: str,
    *,
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
) -> Any:
    """Open a file or an address as an `av.container.InputContainer`.

    Letters of its metadata that are not UTF-8 are replaced. Frames over `MAX_FRAME_PIXELS` are not
    decoded, not even while its tracks are found out.

    Args:
        address: what FFmpeg opens.
        form: the format, where the content does not tell it.
        options: of FFmpeg.
        timeout: seconds to wait for an answer and for each part; None waits without end.

    Raises:
        Exception: one of `reading_errors`.
    """
    return load_av("reading a video").open(
        address,
        format=form,
        options={**(options or {}), "max_pixels": str(MAX_FRAME_PIXELS)},
        timeout=timeout,
        metadata_errors="replace",
    )


def video_track(container: Any) -> Any:
    """Return the first track of moving pictures, an `av.video.stream.VideoStream`.

    The cover of a piece of music has a track, too, and is no video.

    Raises:
        NoVideoError: there is none, its codec is unknown, or its frames are too large.
    """
    cover = load_av("reading a video").stream.Disposition.attached_pic
    tracks = [track for track in container.streams.video if not track.disposition & cover]
    if not tracks:
        raise NoVideoError("there is no video in it")
    # Of a codec that this FFmpeg does not know, PyAV makes a track without a decoder.
    known = [track for track in tracks if track.codec_context is not None]
    if not known:
        raise NoVideoError("its video is of an unknown codec")
    context = known[0].codec_context
    width, height = context.width, context.height
    if width * height > MAX_FRAME_PIXELS:
        raise NoVideoError(
            f"frames of {width} x {height} pixels are over the limit of "
            f"{MAX_FRAME_PIXELS / 1e6:g} megapixels"
        )
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # frames may change their size
    context.thread_type = "AUTO" if width * height <= _MOST_PIXELS_IN_THREADS else "SLICE"
    return known[0]

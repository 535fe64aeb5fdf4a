"""From what the user named to a source of frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError, UsageError
from tamis.images.formats import has_picture_extension
from tamis.sources.archives import has_archive_extension
from tamis.sources.video.file import VideoFile
from tamis.sources.video.folder import LiveFolder
from tamis.sources.video.sampling import EVERY_FRAME, Sampling
from tamis.sources.video.stream import LiveStream, Patience, is_camera, is_stream, without_password

if TYPE_CHECKING:
    from collections.abc import Collection

    from tamis.sources.video.frames import FrameSource

__all__ = ["open_frames", "source_name"]


def source_name(source: str) -> str:
    """Return a source as it is shown and stored: without a password."""
    return without_password(source) if is_stream(source) else source


def open_frames(
    source: str,
    *,
    sampling: Sampling = EVERY_FRAME,
    start: int = 0,
    done: Collection[bytes] = (),
    once: bool = False,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> FrameSource:
    """Open a video file, a folder, a network stream or a camera.

    Args:
        source: as the user gave it; a leading `~` is the home folder.
        sampling: which frames are yielded.
        start: of a video file, the first frame that may be.
        done: of a folder, keys of files that an earlier run took.
        once: of a folder, end when all that is there was yielded.
        patience: how long a stream is waited for.

    Raises:
        InputError: there is no such source, or it is none of these.
        UsageError: key frames are asked of a folder.
        MissingExtraError: it takes PyAV, which is not installed.
    """
    if is_stream(source) or is_camera(source):
        return LiveStream(source, sampling=sampling, patience=patience)
    given = os.path.expanduser(source) if source.startswith("~") else source  # noqa: PTH111 - keeps the user's spelling
    path = Path(given)
    if path.is_dir():
        if sampling.key_frames:
            raise UsageError(f"{source} is a folder, which has no key frames; sample it by time")
        return LiveFolder(given, source, sampling=sampling, done=done, once=once)
    if not path.exists():
        raise InputError(
            f"there is no file or folder {source!r} (looked from {Path.cwd()}); check the path, or "
            "give a network address such as rtsp://…"
        )
    if has_picture_extension(source) or has_archive_extension(source):
        raise InputError(f"{source} is no moving source; use  tamis add  for it")
    absolute = os.path.abspath(given)  # noqa: PTH100 - links stay as the user has them
    return VideoFile(absolute, source, sampling=sampling, start=start)

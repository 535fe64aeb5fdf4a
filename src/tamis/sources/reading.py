"""The bytes of one picture, by its absolute place."""

from __future__ import annotations

import stat
from pathlib import Path

from tamis.errors import MissingPictureError, PictureError
from tamis.images.picture_record import content_hash
from tamis.sources.archive_base import ArchiveError, MemberError, MissingMemberError
from tamis.sources.archives import open_archive
from tamis.sources.image_reference import ImageReference
from tamis.sources.objects.address import ObjectAddress, is_object_address
from tamis.sources.objects.client import MissingObjectError, ObjectError, read_object
from tamis.sources.video.decoded import png
from tamis.sources.video.frame_reader import frame_content_hash, read_frame

__all__ = ["MAX_PICTURE_BYTES", "frame_at", "read_bytes", "read_content"]

MAX_PICTURE_BYTES = 512 << 20
"""Files above this size are refused before they are read."""


def read_content(uri: str, path: str | None = None) -> tuple[bytes, str]:
    """Read one picture's bytes and the hash that identifies them, as `content_hash` in a dataset.

    A frame is identified by its video and number, since decoders may differ in the last bit.

    Raises:
        PictureError: as `read_bytes`.
    """
    data = read_bytes(uri, path)
    frame = frame_at(uri)
    if frame is None:
        return data, content_hash(data)
    return data, frame_content_hash(*frame, uri if path is None else path)


def read_bytes(uri: str, path: str | None = None, *, max_bytes: int = MAX_PICTURE_BYTES) -> bytes:
    """Read one picture's bytes, from a file or from inside an archive; of a video frame, a PNG.

    Thread-safe. From a compressed tar archive or a video, ask in its order.

    Args:
        uri: absolute path, `archive!member`, `video!frame=number`, or the address of an object.
        path: the picture as the user named it, for the error; the uri if not given.
        max_bytes: more is refused.

    Raises:
        PictureError: vanished, no permission, too large, not a file, or damaged in its archive
            or video; the store of an object refuses or does not answer.
        MissingExtraError: it is a video frame and PyAV is not installed, or an object and obstore
            is not.
    """
    path = uri if path is None else path
    if is_object_address(uri):
        return _read_object(uri, path, max_bytes)
    frame = frame_at(uri)
    if frame is not None:
        return png(read_frame(*frame, path).pixels.image())
    try:
        status = Path(uri).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        place = ImageReference.parse(uri)
        if place.member is None or not Path(place.file).is_file():
            raise MissingPictureError(path, "does not exist (any more)") from error
        return _read_member(place.file, place.member, path, max_bytes)
    except OSError as error:
        raise PictureError(path, _reason(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(path, "not a regular file")
    if status.st_size > max_bytes:
        raise PictureError(path, f"{status.st_size} bytes are over the limit of {max_bytes}")
    try:
        with Path(uri).open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise PictureError(path, _reason(error)) from error


def frame_at(uri: str) -> tuple[str, int] | None:
    """Tell video and number of a frame's uri; None if it is none, or if a file has such a name."""
    if is_object_address(uri):
        return None
    place = ImageReference.parse(uri)
    if place.frame is None or not Path(place.file).is_file():
        return None
    return place.file, place.frame


def _read_object(uri: str, path: str, max_bytes: int) -> bytes:
    try:
        return read_object(ObjectAddress.parse(uri), max_bytes)
    except MissingObjectError as error:
        raise MissingPictureError(path, str(error)) from error
    except ObjectError as error:
        raise PictureError(path, str(error)) from error


def _read_member(archive: str, member: str, path: str, max_bytes: int) -> bytes:
    try:
        return open_archive(archive).read(member, max_bytes)
    except MissingMemberError as error:
        raise MissingPictureError(path, str(error)) from error
    except (ArchiveError, MemberError) as error:
        raise PictureError(path, str(error)) from error


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "does not exist (any more)"
    return f"cannot be read: {(error.strerror or type(error).__name__).lower()}"

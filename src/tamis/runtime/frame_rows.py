"""The dataset's row of one frame: of a copy of it in a file, or pointing to where it lies."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.errors import PictureError, UsageError
from tamis.images.picture_record import (
    PictureRecord,
    content_hash,
    examine,
    examine_image,
    sample_id,
)
from tamis.outside_text import is_storable
from tamis.sources.image_reference import ImageReference
from tamis.sources.place import Places
from tamis.sources.video.frame_reader import frame_content_hash

if TYPE_CHECKING:
    from tamis.sources.video.frames import Frame

__all__ = ["FrameRow", "copied_row", "pointing_row", "source_folder_name"]

_JPEG_QUALITY = 95
_FULL_COLOUR = 0
_HASH_DIGITS = 8
_SLUG_CHARACTERS = 40


@dataclass(frozen=True)
class FrameRow:
    """A row of `samples`, and the file that has to be written for it.

    Attributes:
        values: the row's columns.
        file: where its picture has to be written; None if it lies where the row says.
        data: the file's bytes.
    """

    values: dict[str, Any]
    file: Path | None = None
    data: bytes = b""

    @property
    def sample_id(self) -> str:
        """The sample's name."""
        return str(self.values["sample_id"])


def pointing_row(frame: Frame) -> FrameRow:
    """Return the row of a frame that can be read again where it lies: in a video, or as a file.

    Of a file it is the row that adding the file makes.

    Raises:
        PictureError: it cannot be read.
        UsageError: the frame comes from a live source and lies nowhere.
    """
    if frame.uri is None:
        raise UsageError(f"frames of {frame.source} can be seen only once; they have to be copied")
    place = ImageReference.parse(frame.uri)
    if place.frame is not None and Path(place.file).is_file():
        content = frame_content_hash(place.file, place.frame, frame.path)
        record = examine_image(
            frame.pixels.image(), format=frame.pixels.format, captured_at=frame.captured_at
        )
        values = _values(frame, record, path=frame.path, uri=frame.uri, content=content, size=None)
        return FrameRow(
            {**values, "video": place.file, "frame": frame.number, "seconds": frame.seconds}
        )
    data = frame.pixels.encoded() or b""
    content = content_hash(data)
    record = _dated(examine(data, frame.path), frame)
    values = _values(frame, record, path=frame.path, uri=frame.uri, content=content, size=len(data))
    return FrameRow(values)


def copied_row(frame: Frame, folder: Path) -> FrameRow:
    """Return the row of a frame that is copied into a folder, and the copy.

    The copy is the source's own file where there is one, such as a camera's JPEG, else a JPEG of
    quality 95 with full colour resolution.

    Args:
        frame: the frame.
        folder: as the user gave it; each source has a folder of its own in it.

    Raises:
        PictureError: it cannot be decoded.
    """
    own = frame.pixels.encoded()
    data = _jpeg(frame) if own is None else own
    content = content_hash(data)
    file = folder / source_folder_name(frame.source) / _file_name(frame, content, own)
    record = _dated(examine(data, frame.path), frame)
    uri = str(Path.cwd() / file)
    values = _values(frame, record, path=str(file), uri=uri, content=content, size=len(data))
    return FrameRow(values, file, data)


def source_folder_name(source: str) -> str:
    """Return a folder name for a source that no other source has.

    >>> source_folder_name("videos/line 3.mp4")
    'line-3-3fa68b8d'
    """
    last = source.rstrip("/").rsplit("/", 1)[-1] if "://" not in source else source
    slug = re.sub(r"[^A-Za-z0-9]+", "-", re.sub(r"\.\w+$", "", last)).strip("-")
    digest = hashlib.blake2b(source.encode(errors="surrogateescape"), digest_size=4).hexdigest()
    return f"{slug[:_SLUG_CHARACTERS]}-{digest}".lstrip("-")


def _values(
    frame: Frame, record: PictureRecord, *, path: str, uri: str, content: str, size: int | None
) -> dict[str, Any]:
    if not all(map(is_storable, (path, uri, frame.source))):
        raise PictureError(frame.path, "its name is not valid UTF-8; rename it")
    return {
        "sample_id": sample_id(content, Places().of(uri)),
        "path": path,
        "uri": uri,
        "source": frame.source,
        "bytes": size,
        "content_hash": content,
        "added_at": datetime.now(UTC),
        **asdict(record),
    }


def _dated(record: PictureRecord, frame: Frame) -> PictureRecord:
    """What the picture itself says of its time counts most."""
    return record if record.captured_at else replace(record, captured_at=frame.captured_at)


def _file_name(frame: Frame, content: str, own: bytes | None) -> str:
    if frame.uri is None:
        taken = frame.captured_at or datetime.now()  # noqa: DTZ005 - the camera's local time
        return f"{taken:%Y%m%d-%H%M%S}.{taken.microsecond:06d}.jpg"
    if own is None:
        return f"{frame.number:08d}.jpg"
    # The name alone would not do: a file that was overwritten is another picture.
    name = Path(frame.path)
    return f"{name.stem}-{content[:_HASH_DIGITS]}{name.suffix}"


def _jpeg(frame: Frame) -> bytes:
    buffer = io.BytesIO()
    image = frame.pixels.image()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=_FULL_COLOUR)
    return buffer.getvalue()

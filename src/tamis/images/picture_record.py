"""Everything that the dataset stores about one picture, from its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tamis.images.decode import (
    DEFAULT_LIMITS,
    Decoded,
    Limits,
    decode,
    decode_for_sides,
    reduction,
)
from tamis.images.perceptual_hash import as_int64, phash
from tamis.images.pixels import to_rgb
from tamis.images.quality import measure_quality, standard_gray
from tamis.images.thumbnail import thumbnail

if TYPE_CHECKING:
    from datetime import datetime

    from PIL import Image

__all__ = [
    "PictureRecord",
    "content_hash",
    "examine",
    "examine_and_decode",
    "examine_image",
    "sample_id",
]

_HASH_BYTES = 16
# Decoding a JPEG at reduced size, down to this, does not change the figures below and makes
# 12-megapixel photos several times faster.
_DECODE_SIDE = 400


@dataclass(frozen=True)
class PictureRecord:
    """The properties of one picture; the fields are columns of the dataset.

    Attributes:
        width: width in pixels, upright.
        height: height in pixels, upright.
        format: the detected format, such as JPEG.
        phash: 64-bit perceptual hash, as a signed integer.
        thumbnail: JPEG, longest side at most 256 pixels.
        sharpness: see `Quality`, also for the next three.
        brightness: mean gray in [0, 1].
        contrast: standard deviation of gray.
        entropy: bits.
        captured_at: the camera's local time.
        latitude: degrees, north positive.
        longitude: degrees, east positive.
        orientation: the Exif orientation that was applied.
        camera: maker and model.
    """

    width: int
    height: int
    format: str
    phash: int
    thumbnail: bytes
    sharpness: float
    brightness: float
    contrast: float
    entropy: float
    captured_at: datetime | None
    latitude: float | None
    longitude: float | None
    orientation: int
    camera: str | None


def content_hash(data: bytes) -> str:
    """Hash a file's bytes: BLAKE2b of 128 bits, 32 hexadecimal digits.

    >>> content_hash(b"")
    'cae66941d9efbd404e4d88758ea67670'
    """
    return hashlib.blake2b(data, digest_size=_HASH_BYTES).hexdigest()


def sample_id(content: str, uri: str) -> str:
    """Return the id of a sample, from content and location, so that adding it twice adds it once.

    The same content in two locations is two samples, and an overwritten file is a new one.

    Args:
        content: from `content_hash`.
        uri: the location in canonical spelling (`tamis.sources.place`).

    Returns:
        32 hexadecimal digits.
    """
    return content_hash(bytes.fromhex(content) + uri.encode())


def examine(data: bytes, path: str, *, limits: Limits = DEFAULT_LIMITS) -> PictureRecord:
    """Decode a picture and measure it.

    Args:
        data: the file's bytes.
        path: as the user named it, for the error.
        limits: limits on pixels and memory.

    Raises:
        PictureError: it cannot be decoded.
    """
    return _of_file(decode(data, path, min_side=_DECODE_SIDE, limits=limits))


def examine_and_decode(
    data: bytes, path: str, side: int, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[PictureRecord, Decoded]:
    """Measure a picture as `examine` does, and return its pixels as `decode` does, bit for bit.

    Small pictures, and files other than JPEGs, are decoded once for both.

    Args:
        data: the file's bytes.
        path: as the user named it, for the error.
        side: pixels that the shorter side of what is returned must keep.
        limits: limits on pixels and memory.

    Raises:
        PictureError: it cannot be decoded, for either.
    """
    small, pixels = decode_for_sides(data, path, (_DECODE_SIDE, side), limits=limits)
    return _of_file(small), pixels


def _of_file(picture: Decoded) -> PictureRecord:
    return _measured(
        picture.image,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        captured_at=picture.exif.captured_at,
        latitude=picture.exif.latitude,
        longitude=picture.exif.longitude,
        orientation=picture.orientation,
        camera=picture.exif.camera,
    )


def examine_image(
    image: Image.Image,
    *,
    format: str,  # noqa: A002 - the column's name
    captured_at: datetime | None,
) -> PictureRecord:
    """Measure an already decoded picture, such as a frame of a video.

    Args:
        image: upright RGB, at full size.
        format: its original encoding.
        captured_at: the camera's local time.
    """
    return _measured(
        to_rgb(image, reduction(image.size, _DECODE_SIDE)),
        width=image.width,
        height=image.height,
        format=format,
        captured_at=captured_at,
        latitude=None,
        longitude=None,
        orientation=1,
        camera=None,
    )


def _measured(image: Image.Image, **known: Any) -> PictureRecord:
    gray = standard_gray(image)
    return PictureRecord(
        phash=as_int64(phash(gray)),
        thumbnail=thumbnail(image),
        **vars(measure_quality(gray)),
        **known,
    )

"""All that the dataset keeps of one picture, from its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.data.images.decode import DEFAULT_LIMITS, Limits, decode
from tamis.data.images.perceptual_hash import as_int64, phash
from tamis.data.images.quality import measure_quality, standard_gray
from tamis.data.images.thumbnail import thumbnail

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["PictureRecord", "content_hash", "examine", "sample_id"]

_HASH_BYTES = 16
# Decoding JPEG at this size or above leaves the figures below as they are, and 12-megapixel
# photos go several times faster.
_DECODE_SIDE = 400


@dataclass(frozen=True)
class PictureRecord:
    """What is known of one picture; the fields are columns of the dataset.

    Attributes:
        width: in pixels, upright.
        height: in pixels, upright.
        format: as decoded, such as JPEG.
        phash: 64-bit perceptual hash, as a signed number.
        thumbnail: JPEG, longest side at most 256 pixels.
        sharpness: see `Quality`, as the next three.
        brightness: mean grey in [0, 1].
        contrast: standard deviation of grey.
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
    """Name a sample by its content and its place, so that adding it twice adds it once.

    The same content in two places makes two samples, and a file that was overwritten is a new
    one.

    Args:
        content: from `content_hash`.
        uri: absolute place.

    Returns:
        32 hexadecimal digits.
    """
    return content_hash(bytes.fromhex(content) + uri.encode())


def examine(data: bytes, path: str, *, limits: Limits = DEFAULT_LIMITS) -> PictureRecord:
    """Decode a picture and measure it.

    Args:
        data: the file's bytes.
        path: as the user named it, for the error.
        limits: what one picture may cost.

    Raises:
        PictureError: it cannot be decoded.
    """
    picture = decode(data, path, min_side=_DECODE_SIDE, limits=limits)
    gray = standard_gray(picture.image)
    quality = measure_quality(gray)
    return PictureRecord(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        phash=as_int64(phash(gray)),
        thumbnail=thumbnail(picture.image),
        sharpness=quality.sharpness,
        brightness=quality.brightness,
        contrast=quality.contrast,
        entropy=quality.entropy,
        captured_at=picture.exif.captured_at,
        latitude=picture.exif.latitude,
        longitude=picture.exif.longitude,
        orientation=picture.orientation,
        camera=picture.exif.camera,
    )

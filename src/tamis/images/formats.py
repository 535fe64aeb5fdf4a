"""Detect picture formats from content, and open each with its reader.

The content decides, never the file's name. Readers are called directly, not through
`PIL.Image.open`, which would try unwanted formats (some of which start other programs) and warn
about large pictures before tamis has read the header.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, cast

from PIL import features

from tamis.images.png import without_comments

if TYPE_CHECKING:
    from PIL import ImageFile

__all__ = [
    "PICTURE_EXTENSIONS",
    "UnreadableFormatError",
    "has_picture_extension",
    "is_picture_start",
    "open_header",
]

PICTURE_EXTENSIONS = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".gif",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
        ".jp2",
        ".j2k",
        ".jpx",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    }
)
"""Lowercase file extensions of pictures."""

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}
_OPTIONAL_CODECS = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
)
_BMP_HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}  # "BM" alone also starts ordinary texts
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class UnreadableFormatError(Exception):
    """The bytes are not a picture, or of a format that cannot be read here, as the message says."""


def has_picture_extension(name: str) -> bool:
    """Return whether a file name has the extension of a picture.

    >>> has_picture_extension("IMG_1.JPG"), has_picture_extension("notes.txt")
    (True, False)
    """
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in PICTURE_EXTENSIONS


def is_picture_start(start: bytes) -> bool:
    r"""Return whether a file's first 512 bytes look like a picture that may be readable here.

    >>> is_picture_start(b"\xff\xd8\xff\xe0"), is_picture_start(b"hello")
    (True, False)
    """
    return _format_of(start) is not None


def open_header(data: bytes) -> ImageFile.ImageFile:
    """Open a picture without decoding its pixels.

    Raises:
        UnreadableFormatError: the bytes are not a picture, or need a decoder that is missing.
        Exception: whatever the format's reader raises on a damaged header.
    """
    picture_format = _format_of(data)
    if picture_format is None:
        raise UnreadableFormatError(
            "not a picture: the content is of no known format" if data else "the file is empty"
        )
    codec = _OPTIONAL_CODECS.get(picture_format)
    if codec is not None and not features.check(codec):
        raise UnreadableFormatError(f"this build of Pillow cannot read {picture_format}")
    module, reader = _READERS[picture_format]
    try:
        image_file = getattr(import_module(module), reader)
    except ModuleNotFoundError as error:
        if module.startswith("PIL"):
            raise
        raise UnreadableFormatError(
            f"{picture_format} pictures need an optional package: run  pip install 'tamis[heif]'"
        ) from error
    content = without_comments(data) if picture_format == "PNG" else data
    return cast("ImageFile.ImageFile", image_file(io.BytesIO(content)))


def _format_of(data: bytes) -> str | None:
    for magic, picture_format in _MAGIC:
        if data.startswith(magic):
            return picture_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP"
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    if data[4:8] == b"ftyp":
        return _format_of_brands(data)
    return None


def _format_of_brands(data: bytes) -> str | None:
    """Distinguish AVIF from HEIC by the brands of an ISO base media file (ISO/IEC 23008-12)."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None

"""Decode bytes to an upright RGB picture, or give one clear reason why not."""

from __future__ import annotations

import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from PIL import Image
from PIL.Image import Transpose

from tamis.errors import PictureError
from tamis.images.decoder_memory import decoder_memory
from tamis.images.exif import NO_EXIF, Exif, read_exif
from tamis.images.formats import UnreadableFormatError, open_header
from tamis.images.pillow_guard import strict_and_quiet_pillow
from tamis.images.pixels import UnsupportedModeError, to_rgb
from tamis.images.png import png_exif, png_xmp
from tamis.images.xmp import xmp_orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import ImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.TiffImagePlugin import TiffImageFile

__all__ = [
    "DEFAULT_LIMITS",
    "Decoded",
    "Limits",
    "as_decoded",
    "decode",
    "decode_for_sides",
    "reduction",
]

_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}
_FLIPPED_ACROSS = {2, 3, 6, 7}
_FLIPPED_DOWN = {3, 4, 7, 8}

# Exceptions of Pillow's readers on damaged bytes, found by flipping, cutting and repeating bytes.
_READER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
# Those of them whose message is a sentence; a KeyError's is a number.
_SPEAKING_ERRORS = (OSError, SyntaxError, ValueError, RuntimeError)
_SHORTEST_ZERO_TAIL = 1024
_MAX_REASON_CHARACTERS = 120
_RGB_BYTES = 4
_SMALLEST_DRAFT = 8

# The rotation of these is part of the format, and their readers have applied it.
_TURNED_BY_THEMSELVES = {"HEIF", "AVIF"}
_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = range(1, 9)

_large_picture_gate = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """Limits for one picture.

    Attributes:
        max_pixels: pictures with more pixels, according to the header, are refused.
        max_memory: pictures whose decoding takes more bytes, as estimated from the header and
            format, are refused.
        parallel_memory: pictures whose decoding takes more bytes are decoded one at a time,
            whatever the number of threads, so that memory stays bounded.
    """

    max_pixels: int = 200_000_000
    max_memory: int = 2_500_000_000
    parallel_memory: int = 200_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Decoded:
    """A picture, upright.

    Attributes:
        image: RGB, rotated by its orientation; smaller than the original if requested.
        width: width of the upright original in pixels.
        height: height of the upright original in pixels.
        format: JPEG, PNG, GIF, BMP, TIFF, WEBP, AVIF, HEIF, JPEG2000 or PPM.
        orientation: the Exif orientation that was applied, 1 to 8.
        exif: the camera's metadata.
        factor: how many times smaller each side of `image` is than the original's.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    orientation: int
    exif: Exif
    factor: int = 1

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, upper, right and lower edge of the picture in pixels of `image`.

        If the shrink factor does not divide a side, the picture ends inside the last row or column
        of pixels, or the first one if it was rotated afterwards.
        """
        across, down = self.width / self.factor, self.height / self.factor
        left = self.image.width - across if self.orientation in _FLIPPED_ACROSS else 0.0
        top = self.image.height - down if self.orientation in _FLIPPED_DOWN else 0.0
        if self.format == "TIFF":  # rotated before it was shrunk
            left = top = 0.0
        right, bottom = min(left + across, self.image.width), min(top + down, self.image.height)
        return max(left, 0.0), max(top, 0.0), right, bottom


def decode(
    data: bytes,
    path: str,
    *,
    min_side: int | None = None,
    reduce_by: int = 1,
    limits: Limits = DEFAULT_LIMITS,
) -> Decoded:
    """Decode one picture to upright RGB; of an animation or multi-page file, the first frame.

    The format is detected from the content, not the name. The orientation is that of Exif (in a PNG
    without an Exif chunk, of a raw profile), or else of XMP. `tamis.images.pixels` defines the
    conversion of transparency, 16 bits and other modes. Thread-safe; most of the time is spent
    outside the GIL.

    Args:
        data: the file's bytes.
        path: the picture as the user named it, for the error.
        min_side: shrink by an integer factor (JPEG: while decoding, several times faster) such that
            the shorter side keeps at least this many pixels; None keeps the full size.
        reduce_by: without `min_side`, the maximum factor to shrink by, in the same way.
        limits: limits on pixels and memory.

    Raises:
        PictureError: the bytes are empty, not a picture, damaged, truncated, over a limit, or of a
            format or color model that cannot be read here.
    """
    wanted = (min_side,)
    return _guarded(data, path, limits, partial(_decode, data, path, wanted, reduce_by, limits))[0]


def decode_for_sides(
    data: bytes, path: str, sides: Sequence[int], *, limits: Limits = DEFAULT_LIMITS
) -> list[Decoded]:
    """Decode one picture for several uses, each bit for bit as `decode` does with its `min_side`.

    The file is decoded once for all of them, except that a JPEG is decoded anew for a side that
    its decoder meets at another scale.

    Args:
        data: the file's bytes.
        path: the picture as the user named it, for the error.
        sides: a `min_side` each.
        limits: limits on pixels and memory.

    Raises:
        PictureError: as `decode`, for any of the sides.
    """
    found: dict[int, Decoded] = {}
    left = sorted(set(sides), reverse=True)
    while left:
        wanted = tuple(left)
        made = _guarded(data, path, limits, partial(_decode, data, path, wanted, 1, limits))
        found |= dict(zip(left, made, strict=False))
        left = left[len(made) :]
    return [found[side] for side in sides]


def _guarded(
    data: bytes, path: str, limits: Limits, work: Callable[[], list[Decoded]]
) -> list[Decoded]:
    with strict_and_quiet_pillow(limits.max_pixels):
        try:
            return work()
        except (UnreadableFormatError, UnsupportedModeError) as error:
            raise PictureError(path, str(error)) from error
        except MemoryError as error:
            raise PictureError(path, "decoding needs more memory than there is") from error
        except _READER_ERRORS as error:
            raise PictureError(path, _reason(error, data)) from error


def _decode(
    data: bytes, path: str, sides: Sequence[int | None], reduce_by: int, limits: Limits
) -> list[Decoded]:
    """Decode for the first side and for those after it that the decoder meets at the same scale.

    Sides descend.
    """
    picture = _opened(data, path, limits)
    width, height = picture.size
    if sides[0] is None and reduce_by > 1:
        sides = (max(min(width, height) // reduce_by, 1),)
    if picture.format == "JPEG":
        scales = [_draft_scale(picture.size, side) for side in sides]
        sides = sides[: scales.count(scales[0])]
    _draft_jpeg(picture, sides[0])
    drafted = round(max(width, height) / max(picture.size))
    factors = [reduction(picture.size, side) for side in sides]
    memory = _memory(picture, width, height, factors[0])
    if memory > limits.max_memory:
        raise _too_large(picture, path, (width, height), memory, limits)
    if memory > limits.parallel_memory:
        # In a separate thread, because the C library keeps freed memory for the thread that used
        # it, and each of many threads would keep as much as its largest picture took.
        with _large_picture_gate, ThreadPoolExecutor(1) as own_thread:
            images, exif = own_thread.submit(_load, picture, data, set(factors)).result()
    else:
        images, exif = _load(picture, data, set(factors))
    orientation = exif.orientation or 1
    if picture.format == "TIFF":  # Pillow rotated it upright
        width, height = picture.size
    else:
        if orientation in _UPRIGHT:
            turn = _UPRIGHT[orientation]
            images = {factor: image.transpose(turn) for factor, image in images.items()}
        if orientation in _SIDEWAYS:
            width, height = height, width
    for image in images.values():
        image.info = {}  # comments and profiles would travel into thumbnails
    kind = str(picture.format)
    return [
        Decoded(images[factor], width, height, kind, orientation, exif, drafted * factor)
        for factor in factors
    ]


def _opened(data: bytes, path: str, limits: Limits) -> ImageFile.ImageFile:
    picture = open_header(data)
    width, height = picture.size
    if width * height > limits.max_pixels:
        raise PictureError(
            path,
            f"{width} x {height} pixels are over the limit of "
            f"{limits.max_pixels / 1e6:g} megapixels",
        )
    if picture.format == "JPEG" and _is_cut_and_padded(data):
        raise PictureError(path, "truncated: the file ends in zeros instead of picture data")
    return picture


def _too_large(
    picture: ImageFile.ImageFile, path: str, size: tuple[int, int], memory: int, limits: Limits
) -> PictureError:
    width, height = size
    return PictureError(
        path,
        f"decoding {width} x {height} pixels of {picture.format} takes {memory / 1e9:.1f} GB "
        f"of memory, over the limit of {limits.max_memory / 1e9:g} GB",
    )


def _load(
    picture: ImageFile.ImageFile, data: bytes, factors: set[int]
) -> tuple[dict[int, Image.Image], Exif]:
    """Return the picture in RGB, by the factor that it is shrunk by, and its metadata."""
    if picture.format == "TIFF":
        exif = _exif_of(picture, data)
        # Pillow rotates a TIFF by the orientation it finds, which it looks for in fewer places.
        picture.info.pop("xmp", None)
        picture.getexif()[_ORIENTATION_TAG] = exif.orientation or 1
        picture.load()
    else:
        picture.load()
        exif = _exif_of(picture, data)
    images = {factor: to_rgb(picture, factor) for factor in factors}
    if all(image is not picture for image in images.values()):
        picture.close()  # before the next large one begins
    return images, exif


def _memory(picture: ImageFile.ImageFile, width: int, height: int, factor: int) -> int:
    """Return roughly how many bytes decoding and converting take."""
    pixels = picture.size[0] * picture.size[1]
    is_converted = picture.mode != "RGB" or factor > 1
    converted = _RGB_BYTES * pixels // factor**2 if is_converted else 0
    return decoder_memory(picture, width, height) + converted


def _draft_scale(size: tuple[int, int], min_side: int | None) -> int:
    """Return the scale that `_draft_jpeg` makes libjpeg decode at, 1 to 1/8, as its inverse."""
    return min(1 << reduction(size, min_side).bit_length() - 1, _SMALLEST_DRAFT)


def _draft_jpeg(picture: ImageFile.ImageFile, min_side: int | None) -> None:
    if min_side is not None and picture.format == "JPEG":
        cast("JpegImageFile", picture).draft(None, (max(min_side, 1), max(min_side, 1)))


def as_decoded(
    image: Image.Image, picture_format: str, *, min_side: int | None = None, reduce_by: int = 1
) -> Decoded:
    """Return an already decoded picture, such as a frame of a video, as `decode` would.

    Args:
        image: upright RGB, all its pixels.
        picture_format: how it was encoded.
        min_side: see `decode`.
        reduce_by: see `decode`.
    """
    if min_side is None and reduce_by > 1:
        min_side = max(min(image.size) // reduce_by, 1)
    factor = reduction(image.size, min_side)
    small = to_rgb(image, factor)
    return Decoded(small, image.width, image.height, picture_format, 1, NO_EXIF, factor)


def reduction(size: tuple[int, int], min_side: int | None) -> int:
    """Return the largest integer factor to shrink by such that `min_side` pixels are left.

    >>> reduction((1920, 1080), 512)
    2
    """
    return 1 if min_side is None else max(min(size) // max(min_side, 1), 1)


def _exif_of(picture: ImageFile.ImageFile, data: bytes) -> Exif:
    """Read the camera's metadata; an orientation missing from Exif may come from XMP."""
    block = data if picture.format == "TIFF" else picture.info.get("exif")
    if block is None and picture.format == "PNG":
        block = png_exif(data)
    exif = read_exif(block) if isinstance(block, bytes) else NO_EXIF
    if picture.format == "TIFF":  # its tags are not always valid Exif
        stated = cast("TiffImageFile", picture).tag_v2.get(_ORIENTATION_TAG)
        exif = replace(exif, orientation=stated if stated in _ORIENTATIONS else None)
    if exif.orientation is not None or picture.format in _TURNED_BY_THEMSELVES:
        return exif
    packet = png_xmp(data) if picture.format == "PNG" else picture.info.get("xmp")
    return replace(exif, orientation=xmp_orientation(packet)) if packet else exif


def _is_cut_and_padded(data: bytes) -> bool:
    """Return whether a JPEG is cut off and padded with zeros, as interrupted copies leave it.

    libjpeg reads the zeros as picture data and paints gray. Between the start of the last scan and
    the end of the picture neither of the two markers can occur.
    """
    if data[-_SHORTEST_ZERO_TAIL:].count(0) < _SHORTEST_ZERO_TAIL:
        return False
    return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")


def _reason(error: Exception, data: bytes) -> str:
    text = " ".join(str(error).split())
    lowered = text.lower()
    riff_bytes = int.from_bytes(data[4:8], "little") + 8 if data[:4] == b"RIFF" else 0
    if (
        "truncated" in lowered
        or "end of file" in lowered
        or isinstance(error, EOFError)
        or riff_bytes > len(data)
    ):
        return "truncated: the file ends before the picture does"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels for one picture"
    if lowered == "unknown pixel mode":  # of a TIFF that is sound, such as of 64-bit floats
        return "its kind of samples cannot be read; save it with 8 or 16 bits a channel"
    if not text or not isinstance(error, _SPEAKING_ERRORS):
        text = "its parts contradict each other"
    return f"damaged: {text[:_MAX_REASON_CHARACTERS]}"

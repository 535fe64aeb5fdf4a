"""One decoded video frame: a small view of it and its upright RGB picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from tamis.errors import PictureError
from tamis.images.decode import reduction
from tamis.images.pixels import to_rgb
from tamis.sources.video.container import reading_errors
from tamis.sources.video.frames import Scaled
from tamis.sources.video.library import load_av, reason_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["VideoPixels", "png"]

_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
_FASTEST = 1


class VideoPixels:
    """The picture of a frame that FFmpeg decoded.

    Args:
        frame: an `av.VideoFrame`.
        codec: the codec's name.
        path: the frame as shown to the user.
        encoded: the packet that it was decoded from, where that is a whole JPEG file.
    """

    def __init__(self, frame: Any, codec: str, path: str, encoded: bytes | None = None) -> None:
        self.format = codec.upper()
        self._frame = frame
        self._path = path
        self._encoded = encoded

    def view(self, width: int, height: int) -> NDArray[np.uint8]:
        """See `Pixels`; it is not turned upright."""
        return self._rgb(width, height, interpolation="AREA")

    def image(self, min_side: int | None = None) -> Image.Image:
        """See `Pixels`."""
        upright = self._upright()
        return to_rgb(upright, reduction(upright.size, min_side))

    def scaled(self, min_side: int) -> Scaled:
        """See `Pixels`."""
        upright = self._upright()
        factor = reduction(upright.size, min_side)
        extent = (0.0, 0.0, upright.width / factor, upright.height / factor)
        return Scaled(to_rgb(upright, factor), upright.size, extent)

    def _upright(self) -> Image.Image:
        # By these flags the colours are the same to the last bit on every processor.
        kind = load_av("video").video.reformatter.Interpolation
        flags = kind.BICUBIC | kind.ACCURATE_RND | kind.BITEXACT | kind.FULL_CHR_H_INT
        image = Image.fromarray(self._rgb(interpolation=flags))
        turn = self._frame.rotation % 360
        return image.transpose(_TURNS[turn]) if turn in _TURNS else image

    def _rgb(self, *size: int, interpolation: Any) -> NDArray[np.uint8]:
        try:
            rgb = self._frame.reformat(
                *size, format="rgb24", interpolation=interpolation, threads=1
            )
            pixels: NDArray[np.uint8] = rgb.to_ndarray()
        except reading_errors() as error:
            raise PictureError(
                self._path, f"its pixels cannot be converted: {reason_of(error)}"
            ) from error
        return pixels

    def encoded(self) -> bytes | None:
        """See `Pixels`."""
        return self._encoded


def png(image: Image.Image) -> bytes:
    """Return a picture as a PNG file, packed quickly.

    >>> Image.open(io.BytesIO(png(Image.new("RGB", (2, 3))))).size
    (2, 3)
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_FASTEST)
    return buffer.getvalue()

"""Pictures as bytes, turned into what a reference compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError
from tamis.images.decode import decode
from tamis.images.picture_record import examine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.encoders.base import Encoder
    from tamis.types import Vectors

__all__ = ["embedded"]

_TOLERANCE = 1e-2


def embedded(data: bytes, name: str, encoder: Encoder) -> tuple[Vectors, NDArray[np.float64]]:
    """Return the vector `[D]` and the figures `[4]` that `add` and `embed` give a picture.

    Raises:
        PictureError: it cannot be decoded, or the encoder gives no vector.
    """
    record = examine(data, name)
    side = decode_side(encoder.preprocessing)
    picture = decode(data, name, min_side=side)
    size = (picture.width, picture.height)
    pixels = prepare(picture.image, encoder.preprocessing, size=size, extent=picture.extent)
    vector = encoder.embed(pixels[np.newaxis])[0]
    if not abs(float(np.linalg.norm(vector)) - 1) <= _TOLERANCE:
        raise PictureError(name, "the encoder gave no finite vector of length 1")
    taken = record.captured_at
    hour = np.nan if taken is None else taken.hour + taken.minute / 60 + taken.second / 3600
    megapixels = record.width * record.height / 1e6
    return vector, np.array([record.brightness, record.sharpness, megapixels, hour])

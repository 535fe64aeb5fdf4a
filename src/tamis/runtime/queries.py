"""What a user looks for, as vectors in the space of a column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tamis.encoders.preprocess import input_box, prepare
from tamis.errors import InputError, MissingPictureError, UsageError
from tamis.images.decode import decode
from tamis.sources.reading import frame_at, read_bytes
from tamis.sources.video.frame_reader import read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from tamis.encoders.base import Encoder, FeatureMapEncoder, TextEncoder
    from tamis.images.box import Box
    from tamis.types import Vectors

__all__ = [
    "caveat_of",
    "picture_of",
    "picture_tokens",
    "picture_vector",
    "text_vectors",
]


def caveat_of(encoder: Encoder) -> str:
    """Return the caveat that goes with an encoder's answers; empty if there is none."""
    return str(getattr(encoder, "caveat", ""))


def text_vectors(encoder: TextEncoder, texts: Sequence[str]) -> Vectors:
    """Return `[T, D]` float32 unit vectors of texts.

    Raises:
        UsageError: a text is empty.
    """
    if any(not text.strip() for text in texts):
        raise UsageError("a text to look for is empty; say what the pictures should show")
    return encoder.embed_text(texts)


def picture_vector(
    encoder: Encoder, path: str | Path, region: Box | None = None
) -> NDArray[np.float32]:
    """Return the `[D]` float32 unit vector of a picture file, or of a part of it.

    Args:
        encoder: whose space the vector lies in.
        path: of the picture.
        region: the part; all of it when None. What lies outside of the picture is cut off.

    Raises:
        InputError: there is no such file.
        PictureError: it cannot be decoded.
        UsageError: the region does not touch the picture.
    """
    image = picture_of(path)
    if region is not None:
        image = image.crop(_inside(image, region, path))
    pixels = prepare(image, encoder.preprocessing)
    vector: NDArray[np.float32] = encoder.embed(pixels[None])[0]
    return vector


def picture_tokens(
    encoder: FeatureMapEncoder, path: str | Path, region: Box | None = None
) -> Vectors:
    """Return the `[T, D]` float32 tokens of a picture file, or of a part of it, at its own scale.

    Unlike for `picture_vector` a part is not enlarged: its tokens are those of the whole picture
    that lie in it, so that they are like those of other pictures with the same thing.

    Raises:
        InputError: there is no such file.
        PictureError: it cannot be decoded.
        UsageError: the region does not touch what the encoder sees of the picture.
    """
    image = picture_of(path)
    maps = encoder.feature_maps(prepare(image, encoder.preprocessing)[None])[0]
    rows, columns = maps.shape[:2]
    if region is None:
        return np.asarray(maps.reshape(rows * columns, -1), np.float32)
    corners = _inside(image, region, path)
    left, top, right, bottom = input_box(image.size, corners, encoder.preprocessing)
    first, last = max(0, math.floor(left * columns)), min(columns, math.ceil(right * columns))
    upper, lower = max(0, math.floor(top * rows)), min(rows, math.ceil(bottom * rows))
    if first >= last or upper >= lower:
        raise UsageError(
            f"the region {region} lies in the part of {path} that the encoder's centre crop cuts "
            "off; choose another, or add tiles"
        )
    part = maps[upper:lower, first:last]
    return np.asarray(part.reshape(-1, part.shape[-1]), np.float32)


def picture_of(path: str | Path) -> Image.Image:
    """Return a picture, a member of an archive or a frame of a video, RGB and upright.

    Raises:
        InputError: there is no such file.
        PictureError: it cannot be decoded.
    """
    frame = frame_at(str(path))
    if frame is not None:
        return read_frame(*frame, str(path)).pixels.image()
    try:
        data = read_bytes(str(path))
    except MissingPictureError as error:
        raise InputError(f"cannot read {path}: there is no such file") from error
    return decode(data, str(path)).image


def _inside(image: Image.Image, region: Box, path: str | Path) -> tuple[int, int, int, int]:
    inside = region.clipped(image.width, image.height)
    if inside is None:
        raise UsageError(
            f"the region {region} does not touch {path}, which is {image.width} x "
            f"{image.height} pixels; give X,Y,WIDTH,HEIGHT"
        )
    return inside.corners

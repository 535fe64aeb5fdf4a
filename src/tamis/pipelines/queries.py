"""What a user looks for, as vectors in the space of a column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.data.images.decode import decode
from tamis.encoders.base import TextEncoder
from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.data.schema import VectorColumn
    from tamis.encoders.base import Encoder
    from tamis.types import Vectors

__all__ = ["Region", "caveat_of", "encoder_of", "picture_vector", "text_encoder_of", "text_vectors"]


@dataclass(frozen=True)
class Region:
    """A part of an upright picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


def encoder_of(column: VectorColumn, **options: Any) -> Encoder:
    """Load the encoder that made a column's vectors.

    Args:
        column: whose space the query must lie in.
        options: passed to the encoder's loader.

    Raises:
        EncoderError: it cannot be loaded, or it is not the same any more, so that its vectors
            cannot be compared with the stored ones.
    """
    encoder = load_encoder(column.spec, **options)
    if encoder.fingerprint != column.fingerprint:
        raise EncoderError(
            f"{column.spec} is not the encoder any more that made the vectors in {column.name} "
            f"(fingerprint {encoder.fingerprint[:8]}, not {column.fingerprint[:8]}): embed the "
            "pictures anew with it, or bring back the old one"
        )
    return encoder


def text_encoder_of(column: VectorColumn, **options: Any) -> TextEncoder:
    """Load the encoder of a column whose space holds texts.

    Raises:
        UsageError: it reads no texts.
        EncoderError: as `encoder_of`.
    """
    encoder = encoder_of(column, **options)
    if not isinstance(encoder, TextEncoder):
        raise UsageError(
            f"{column.spec} reads no texts. Embed with one that does:  tamis embed --encoder clip  "
            "(needs tamis[hf]),  or --encoder concepts  (offline, knows ImageNet's classes only); "
            "or learn a map to it:  tamis align --from THIS --to clip"
        )
    return encoder


def caveat_of(encoder: Encoder) -> str:
    """Return what an encoder's answers must be taken with; empty where nothing need be said."""
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
    encoder: Encoder, path: str | Path, region: Region | None = None
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
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    image = decode(data, str(path)).image
    if region is not None:
        left, top = max(region.x, 0), max(region.y, 0)
        right = min(region.x + region.width, image.width)
        bottom = min(region.y + region.height, image.height)
        if left >= right or top >= bottom:
            raise UsageError(
                f"the region {region} does not touch {path}, which is {image.width} x "
                f"{image.height} pixels; give X,Y,WIDTH,HEIGHT"
            )
        image = image.crop((left, top, right, bottom))
    vector: NDArray[np.float32] = encoder.embed(prepare(image, encoder.preprocessing)[None])[0]
    return vector

"""Does an encoder work on this machine, and how fast?"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from tamis.encoders.base import TextEncoder
from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError

__all__ = ["EncoderCheck", "check_encoder"]

_PICTURES = 8
_ROUNDS = 3


@dataclass(frozen=True)
class EncoderCheck:
    """What a trial of an encoder found.

    Attributes:
        spec: its name.
        fingerprint: hash of all that changes its vectors.
        dim: length of a vector.
        text: whether it also embeds text.
        pictures_per_second: speed of inference alone, on pictures that are ready in memory.
    """

    spec: str
    fingerprint: str
    dim: int
    text: bool
    pictures_per_second: float


def check_encoder(spec: str) -> EncoderCheck:
    """Load an encoder, embed a few made pictures, and measure its speed.

    Raises:
        EncoderError: it cannot be loaded, or its vectors are not finite unit vectors.
    """
    encoder = load_encoder(spec)
    shape = (_PICTURES, encoder.preprocessing.height, encoder.preprocessing.width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    lengths = np.linalg.norm(encoder.embed(pixels), axis=1)
    if not np.allclose(lengths, 1.0, atol=1e-3):
        raise EncoderError(
            f"{spec} returned vectors of length {lengths.min():.4g} to {lengths.max():.4g}; "
            "they must have length 1"
        )
    begin = time.perf_counter()
    for _ in range(_ROUNDS):
        encoder.embed(pixels)
    seconds = (time.perf_counter() - begin) / _ROUNDS
    return EncoderCheck(
        spec=encoder.spec,
        fingerprint=encoder.fingerprint,
        dim=encoder.dim,
        text=isinstance(encoder, TextEncoder),
        pictures_per_second=_PICTURES / seconds,
    )

"""The similarity above which a frame is not new, measured on the stream itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.encoders.preprocess import decode_side, prepare
from tamis.errors import PictureError
from tamis.images.changes import harmless_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from tamis.encoders.base import Encoder
    from tamis.sources.video.frames import Frame

__all__ = ["FRAMES_TO_MEASURE", "USUAL", "measured_threshold"]

FRAMES_TO_MEASURE: Final = 8
"""Frames on which the threshold is measured; about a second's work."""

USUAL: Final = 0.92
"""The threshold where nothing can be measured, such as on frames without any contrast."""

_LOWEST, _HIGHEST = 0.5, 0.995
_LEAST_CONTRAST = 0.01 * 255.0


def measured_threshold(encoder: Encoder, frames: Sequence[Frame]) -> float:
    """Return the cosine similarity that harmless changes leave a frame with.

    Each frame is changed as a camera's picture changes though nothing happens in front of it (see
    `tamis.images.changes.HARMLESS`), and the change that moves its vector furthest counts.
    The median over the frames is the threshold: what differs from a kept frame no more than that
    is no news, what differs more may be. Seven calls of the encoder a frame.

    Args:
        encoder: makes the vectors.
        frames: the first ones of a source; those that cannot be decoded or show nothing are left
            out.
    """
    worst = []
    for frame in frames:
        try:
            image = frame.pixels.scaled(decode_side(encoder.preprocessing)).image
        except PictureError:
            continue
        if np.asarray(image.convert("L")).std() >= _LEAST_CONTRAST:
            worst.append(_lowest_similarity(encoder, image))
    if not worst:
        return USUAL
    return round(float(np.clip(np.median(worst), _LOWEST, _HIGHEST)), 3)


def _lowest_similarity(encoder: Encoder, image: Image.Image) -> float:
    pictures = [image, *harmless_changes(image)]
    # One after the other: some encoders take no more at a time.
    vectors = [
        encoder.embed(prepare(picture, encoder.preprocessing)[np.newaxis])[0]
        for picture in pictures
    ]
    return float(min(vectors[0] @ changed for changed in vectors[1:]))

"""Everyday things, which a picture is compared with where its scores alone do not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.runtime.prompts import prompt_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tamis.encoders.base import TextEncoder
    from tamis.types import Vectors

__all__ = ["everyday_levels"]

_THINGS: Final = (
    *("person", "face", "crowd", "hand", "dog", "cat", "bird", "fish", "insect", "horse"),
    *("flower", "tree", "grass", "forest", "mountain", "sea", "beach", "river", "sky", "cloud"),
    *("road", "street", "car", "truck", "bicycle", "motorcycle", "airplane", "train", "boat"),
    *("building", "house", "room", "kitchen", "bed", "chair", "table", "sofa", "lamp"),
    *("computer", "telephone", "television", "book", "newspaper", "bottle", "cup", "plate"),
    *("food", "fruit", "vegetable", "bread", "meat", "ball", "toy", "tool", "machine", "factory"),
    *("pipe", "valve", "metal", "wood", "stone", "brick", "glass", "plastic", "paper", "fabric"),
    *("wall", "floor", "window", "door", "sign", "text", "map", "diagram", "screen", "light"),
    *("fire", "smoke", "water", "ice", "snow", "rain", "night", "animal", "plant", "clothing"),
    *("shoe", "bag", "hat", "jewelry", "clock", "musical instrument", "weapon", "furniture"),
    *("vehicle", "medical instrument", "blood", "microscope", "circuit board"),
)
_SAME: Final = 0.8
"""A thing whose text is as near as this to what is looked for is that, and no rival of it."""

_NEAREST: Final = 3


def everyday_levels(
    encoder: TextEncoder, queries: Vectors, batches: Iterable[Vectors]
) -> NDArray[np.float32]:
    """Return for each picture its mean cosine with the three everyday things nearest to it, `[N]`.

    What a picture shows is nearer to it than these; what it does not show is not, whatever the
    scale of the encoder's cosines. Things that are what is looked for are left out.

    Args:
        encoder: of the pictures' vectors.
        queries: `[T, D]` unit vectors of what is looked for.
        batches: the pictures' unit vectors `[B, D]`.
    """
    things = prompt_vectors(encoder, _THINGS)
    rivals = things[(things @ queries.T).max(axis=1) < _SAME]
    if len(rivals) < _NEAREST:
        rivals = things
    levels = [
        np.partition(vectors @ rivals.T, -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)
        for vectors in batches
    ]
    return np.concatenate(levels).astype(np.float32) if levels else np.empty(0, np.float32)

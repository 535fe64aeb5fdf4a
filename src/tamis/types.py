"""The shapes and small records that all layers share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray


__all__ = [
    "Failure",
    "Indices",
    "PathLike",
    "PixelBatch",
    "Preprocessing",
    "Progress",
    "Vectors",
    "Verdict",
    "no_progress",
]

Vectors: TypeAlias = "NDArray[np.float32]"
"""Embeddings, `[N, D]` float32, each row of Euclidean length 1 unless a docstring says other."""

PathLike: TypeAlias = "str | os.PathLike[str]"
"""A path as users may give it."""

Indices: TypeAlias = "NDArray[np.int64]"
"""Row numbers, `[N]` int64."""

PixelBatch: TypeAlias = "NDArray[np.uint8]"
"""Pictures ready for an encoder, `[B, H, W, 3]` uint8 RGB."""


class Progress(Protocol):
    """Told how far long work has come; faces turn it into a bar."""

    def __call__(self, done: int, total: int | None) -> None:
        """`done` of `total` pictures are finished; `total` is None while unknown."""


def no_progress(done: int, total: int | None) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes an encoder's input.

    Attributes:
        height: input height in pixels.
        width: input width in pixels.
        mode: `shortest-crop` resizes the shorter side to `height / crop_fraction` and cuts the
            centre; `squash` resizes both sides regardless of aspect; `pad` fits the longer side
            and fills the rest.
        crop_fraction: share of the resized shorter side that the centre crop keeps, in (0, 1].
        interpolation: resampling filter, always with antialiasing.
        mean: per channel, subtracted after scaling pixels to [0, 1].
        std: per channel, divides after the mean is subtracted.
        crop_rounding: where the centre lies between two pixels, the crop begins at the one before
            (`down`, as in transformers) or at the even one (`even`, as in torchvision).
    """

    height: int
    width: int
    mode: Literal["shortest-crop", "squash", "pad"] = "shortest-crop"
    crop_fraction: float = 1.0
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    crop_rounding: Literal["down", "even"] = "down"


@dataclass(frozen=True)
class Failure:
    """A picture that could not be used, and why.

    Attributes:
        path: the picture (or archive, or folder) as the user gave it.
        reason: one short sentence without the path.
        source: the source that it belongs to, as the user gave it; empty where unknown.
    """

    path: str
    reason: str
    source: str = ""


class Verdict(StrEnum):
    """What comparing two pictures, pixel by pixel, says of them.

    A `COPY` differs by noise and processing only (re-encoded, resized, cropped, brightened,
    blurred, mirrored, tilted a little, a translucent mark), two exposures of an unchanged scene
    included. `CHANGED` is the same view or template with other content somewhere, an opaque overlay
    included. `UNDECIDED` pairs could be either: too little is seen, or the pair is too near
    the line for copies. All others are `DIFFERENT`.
    """

    COPY = "copy"
    CHANGED = "changed"
    UNDECIDED = "undecided"
    DIFFERENT = "different"

"""The encoder protocol, and protocols for optional capabilities."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = [
    "Encoder",
    "FeatureMapEncoder",
    "PosteriorEncoder",
    "TextEncoder",
    "check_pixels",
    "fingerprint_of",
    "normalise_rows",
    "preprocessing_facts",
]


@runtime_checkable
class Encoder(Protocol):
    """Turns prepared pictures into unit vectors.

    A vector depends only on its picture, not on the batch or the run. Encoders are thread-safe.
    """

    @property
    def spec(self) -> str:
        """The spec that loads this encoder again, e.g. `hf:facebook/dinov2-small`."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that affects a vector; different fingerprints are never compared."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How `tamis.encoders.preprocess.prepare` turns a picture into this encoder's input."""

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures `[B, H, W, 3]`.

        Raises:
            UsageError: the pixels do not have the shape or dtype of `preprocessing`.
        """


@runtime_checkable
class TextEncoder(Encoder, Protocol):
    """An encoder that also embeds text, close to the pictures that the text describes."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, dim]` float32 unit vectors of texts; long texts are truncated."""


@runtime_checkable
class PosteriorEncoder(Encoder, Protocol):
    """An encoder that is also a classifier."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the C classes, or their numbers if the names are unknown."""

    def posteriors(self, pixels: PixelBatch) -> NDArray[np.float32]:
        """Return `[B, C]` float32 class probabilities of prepared pictures; rows sum to 1."""


@runtime_checkable
class FeatureMapEncoder(Encoder, Protocol):
    """An encoder that also returns spatial feature maps."""

    @property
    def feature_levels(self) -> tuple[str, ...]:
        """Names of the levels of `feature_maps`, from fine to coarse."""

    def feature_maps(self, pixels: PixelBatch, level: str | None = None) -> NDArray[np.float32]:
        """Return `[B, h, w, D]` float32 features of prepared pictures, not normalized.

        Args:
            pixels: prepared pictures, `[B, H, W, 3]` uint8.
            level: one of `feature_levels`; None for the encoder's choice for local defects.

        Raises:
            UsageError: the encoder has no such level, or the pixels have the wrong shape or dtype.
        """


def check_pixels(pixels: PixelBatch, preprocessing: Preprocessing) -> None:
    """Raise if pixels were not prepared for an encoder.

    Raises:
        UsageError: not `[B, height, width, 3]` uint8.
    """
    expected = (preprocessing.height, preprocessing.width, 3)
    if pixels.dtype != np.uint8 or pixels.ndim != len(expected) + 1 or pixels.shape[1:] != expected:
        raise UsageError(
            f"the encoder takes uint8 pixels of shape [B, {', '.join(map(str, expected))}], "
            f"not {pixels.dtype} of shape {list(pixels.shape)}; use prepare() on each picture"
        )


def fingerprint_of(parts: Mapping[str, object]) -> str:
    """Return the fingerprint of an encoder, 32 hexadecimal digits.

    Args:
        parts: everything that affects a vector, as JSON values: hash of the weights,
            preprocessing, pooling, runtime, precision.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def preprocessing_facts(preprocessing: Preprocessing) -> dict[str, object]:
    """Return the parts of a preprocessing that belong in a fingerprint, as JSON values.

    Fields added later are omitted if they have their default, so that older vectors stay valid.
    """
    facts = asdict(preprocessing)
    if preprocessing.crop_rounding == "down":
        del facts["crop_rounding"]
    return facts

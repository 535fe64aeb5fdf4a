"""A function from pictures to vectors, as an encoder."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.encoders.base import (
    check_pixels,
    fingerprint_of,
    normalise_rows,
    preprocessing_facts,
)
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = ["CallableEncoder"]

_MATRIX = 2


class CallableEncoder:
    """Vectors of a function that takes `[B, H, W, 3]` uint8 and returns `[B, D]` numbers.

    One call runs at a time, as the function may not bear more. The fingerprint covers the source
    file that the function comes from, and its attribute `fingerprint` if it has one: what it reads
    from elsewhere, such as a file of weights, is not seen and belongs into that attribute.

    Args:
        spec: the name that loads it again.
        function: the function.
        preprocessing: how it wants pictures.
        source: hash of the code that it comes from.

    Raises:
        EncoderError: it fails on a first picture, or does not give `[B, D]`.
    """

    def __init__(
        self, spec: str, function: Callable[[Any], Any], preprocessing: Preprocessing, source: str
    ) -> None:
        self.spec = spec
        self.preprocessing = preprocessing
        self._function = function
        self._turn = Lock()
        self.fingerprint = fingerprint_of(
            {
                "source": source,
                "own": str(getattr(function, "fingerprint", "")),
                "spec": spec.rpartition(":")[2].partition("?")[0],
                "preprocessing": preprocessing_facts(preprocessing),
                "runtime": "callable",
            }
        )
        one = np.zeros((1, preprocessing.height, preprocessing.width, 3), np.uint8)
        self.dim = int(self._features(one).shape[1])

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures.

        Raises:
            EncoderError: the function fails, or gives another number of vectors.
        """
        check_pixels(pixels, self.preprocessing)
        if len(pixels) == 0:
            return np.empty((0, self.dim), np.float32)
        return normalise_rows(self._features(pixels))

    def _features(self, pixels: PixelBatch) -> Vectors:
        try:
            with self._turn:
                features = np.asarray(self._function(pixels), np.float32)
        except Exception as error:  # the user's code may raise anything
            raise EncoderError(
                f"{self.spec} fails on {len(pixels)} pictures: {type(error).__name__}: {error}"
            ) from error
        if features.ndim != _MATRIX or len(features) != len(pixels):
            raise EncoderError(
                f"{self.spec} gave an array of shape {list(features.shape)} for {len(pixels)} "
                f"pictures; it must be [{len(pixels)}, D]"
            )
        return features

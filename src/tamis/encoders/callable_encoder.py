"""A function from pictures to vectors, as an encoder."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.unit_vectors import normalise_rows
from tamis.encoders.base import (
    check_pixels,
    fingerprint_of,
    preprocessing_facts,
)
from tamis.encoders.trial_pictures import trial_pixels
from tamis.encoders.user_code import explained, prints_to_stderr
from tamis.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = ["CallableEncoder"]

_MATRIX = 2


class CallableEncoder:
    """An encoder from a function that takes `[B, H, W, 3]` uint8 and returns `[B, D]` numbers.

    Calls are serialized, since the function may not be thread-safe. The fingerprint covers what
    the function declares, else its source file; the latter does not cover what the function reads
    from elsewhere, such as a file of weights. What it prints goes to stderr.

    Args:
        spec: the spec that loads this encoder again.
        function: the function.
        preprocessing: the preprocessing that it expects.
        content: identifies the function in the fingerprint.

    Raises:
        EncoderError: it fails on two synthetic pictures, or does not return `[B, D]` finite
            numbers.
    """

    def __init__(
        self,
        spec: str,
        function: Callable[[Any], Any],
        preprocessing: Preprocessing,
        content: Mapping[str, str],
    ) -> None:
        self.spec = spec
        self.preprocessing = preprocessing
        self._function = function
        self._turn = Lock()
        self.fingerprint = fingerprint_of(
            {
                **content,
                "spec": spec.partition("?")[0].rpartition(":")[2],
                "preprocessing": preprocessing_facts(preprocessing),
                "runtime": "callable",
            }
        )
        features = self._features(trial_pixels(preprocessing, 2))
        if not np.isfinite(features).all():
            raise EncoderError(f"{spec} gives numbers that are not finite for a made picture")
        self.dim = int(features.shape[1])

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures.

        Raises:
            EncoderError: the function fails, or returns the wrong number of vectors.
        """
        check_pixels(pixels, self.preprocessing)
        if len(pixels) == 0:
            return np.empty((0, self.dim), np.float32)
        features = self._features(pixels)
        if features.shape[1] != self.dim:
            raise EncoderError(
                f"{self.spec} gave vectors of {features.shape[1]} numbers, and {self.dim} before"
            )
        return normalise_rows(features)

    def _features(self, pixels: PixelBatch) -> Vectors:
        try:
            with self._turn, prints_to_stderr():
                features = np.asarray(self._function(pixels), np.float32)
        except Exception as error:  # the user's code may raise anything
            raise EncoderError(
                f"{self.spec} fails on {len(pixels)} pictures: {explained(error)}"
            ) from error
        if features.ndim != _MATRIX or len(features) != len(pixels):
            raise EncoderError(
                f"{self.spec} gave an array of shape {list(features.shape)} for {len(pixels)} "
                "pictures; it must be [B, D], a row for each"
            )
        return features

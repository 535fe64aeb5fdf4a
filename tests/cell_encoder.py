"""An encoder with feature maps for tests that costs next to nothing: figures of cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tamis.types import Preprocessing

__all__ = ["Cells"]


@dataclass
class Cells:
    """A place has the mean, above grey, and the spread of its pixels, and a constant.

    The constant keeps lengths, such as more or less grain, when vectors are brought to length 1.
    Its tile is 32 pixels.
    """

    spec: str = "test:cells"
    fingerprint: str = "00aa11bb22cc33dd" * 2
    dim: int = 7
    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(32, 32))
    feature_levels: tuple[str, ...] = ("stride4", "stride8")

    def embed(self, pixels):
        vectors = self.feature_maps(pixels).mean(axis=(1, 2))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def feature_maps(self, pixels, level=None):
        cell = int((level or "stride8").removeprefix("stride"))
        count, height, width, _ = pixels.shape
        parts = pixels.astype(np.float32).reshape(
            count, height // cell, cell, width // cell, cell, 3
        )
        mean, spread = parts.mean(axis=(2, 4)) - 110, 3 * parts.std(axis=(2, 4))
        return np.concatenate([mean, spread, np.full_like(mean[..., :1], 40)], axis=3)

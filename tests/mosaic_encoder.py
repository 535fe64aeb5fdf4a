"""An encoder for tests that costs next to nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from tamis.types import Preprocessing


@dataclass
class Mosaic:
    """Its vector is the picture at 8 x 8 pixels."""

    spec: str = "test:mosaic"
    fingerprint: str = "0123456789abcdef" * 2
    dim: int = 192
    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(8, 8, "squash"))
    calls: list[int] = field(default_factory=list)
    poison: bool = False
    pause: float = 0.0

    def embed(self, pixels):
        self.calls.append(len(pixels))
        time.sleep(self.pause)
        flat = pixels.reshape(len(pixels), -1).astype(np.float32) - 100.0
        if self.poison:
            flat[flat.mean(axis=1) > 100] = np.nan
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

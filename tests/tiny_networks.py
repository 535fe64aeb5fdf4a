"""Tiny networks and pictures to train on in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
SPEC = f"size={SIDE}&mean=.5,.5,.5&std=.5,.5,.5&maps=body"

NETWORK = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 1), nn.ReLU(),
        )
        self.last = nn.Linear(16, 12)

    def forward(self, x):
        return self.last(self.body(x).mean(dim=(2, 3)))


def shades(pixels):
    # a teacher that sees colors and nothing else
    import numpy as np
    means = pixels.astype(np.float32).mean(axis=(1, 2)) - 128
    return means / np.linalg.norm(means, axis=1, keepdims=True)


shades.size = 32
"""


def write_network(folder: Path) -> str:
    """Write the network's file, and return the spec of the encoder."""
    (folder / "tiny_net.py").write_text(NETWORK, encoding="utf-8")
    return f"py:{folder / 'tiny_net.py'}:Net?{SPEC}"


def write_noise(folder: Path, count: int, *, seed: int = 0) -> None:
    """Write pictures in which there is nothing to learn."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")


def write_colors(folder: Path, count: int, *, seed: int = 0) -> None:
    """Write pictures that have a color each, under noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        color = rng.uniform(40, 215, 3)
        noisy = np.clip(color + rng.normal(0, 25, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:03}.png")

"""A small network on pixels, trained from nothing: what stored vectors are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, PixelBatch

__all__ = ["SIDE", "PixelNetwork", "train_pixel_network"]

SIDE: Final = 48
"""Height and width of the pictures in pixels."""

_CHANNELS: Final = (16, 32, 64)
_BATCH: Final = 64
_EPOCHS: Final = 40
_LEAST_STEPS, _MOST_STEPS = 60, 600
_RATE: Final = 3e-3
_SHIFT: Final = 4
_CHUNK: Final = 256


class PixelNetwork:
    """A trained network.

    Args:
        layers: of the network; takes normalised pixels `[M, 3, H, W]`.
    """

    def __init__(self, layers: nn.Module) -> None:
        self._layers = layers

    def logits(self, pixels: PixelBatch) -> NDArray[np.float64]:
        """Return `[M, K]` for pictures `[M, 48, 48, 3]` of 8 bits."""
        self._layers.eval()
        with torch.inference_mode():
            parts = [
                self._layers(_normalized(pixels[begin : begin + _CHUNK]))
                for begin in range(0, len(pixels), _CHUNK)
            ]
        found: NDArray[np.float64] = torch.cat(parts).double().numpy()
        return found


def train_pixel_network(pixels: PixelBatch, classes: Indices, *, seed: int) -> PixelNetwork:
    """Train three convolutions and a linear layer on pictures, mirrored and shifted at random.

    AdamW on the cross-entropy, 40 passes but 60 to 600 steps of 64 pictures, so that it takes
    about half a minute at most on one processor core. The same seed gives the same network on one
    machine. Torch's own random numbers are left as they were.

    Args:
        pixels: `[N, 48, 48, 3]` of 8 bits.
        classes: `[N]` from 0 to K - 1.
        seed: of weights, batches and changes.
    """
    rng = np.random.default_rng(seed)
    steps = min(max(_EPOCHS * len(pixels) // _BATCH, _LEAST_STEPS), _MOST_STEPS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = _layers(int(classes.max()) + 1)
    optimizer = torch.optim.AdamW(layers.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    truth = torch.from_numpy(classes.astype(np.int64))
    layers.train()
    for _ in range(steps):
        rows = rng.choice(len(pixels), min(_BATCH, len(pixels)), replace=False)
        loss = nn.functional.cross_entropy(layers(_changed(pixels[rows], rng)), truth[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return PixelNetwork(layers)


def _layers(n_classes: int) -> nn.Module:
    parts: list[nn.Module] = []
    before = 3
    for channels in _CHANNELS:
        parts += [
            nn.Conv2d(before, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        before = channels
    return nn.Sequential(
        *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, n_classes)
    )


def _normalized(pixels: PixelBatch) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1.0)


def _changed(pixels: PixelBatch, rng: np.random.Generator) -> torch.Tensor:
    changed = np.pad(pixels, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0)), mode="edge")
    top, left = rng.integers(0, 2 * _SHIFT + 1, 2)
    changed = changed[:, top : top + pixels.shape[1], left : left + pixels.shape[2]]
    mirrored = rng.random(len(pixels)) < 0.5  # noqa: PLR2004 - one in two
    return _normalized(np.where(mirrored[:, None, None, None], changed[:, :, ::-1], changed))

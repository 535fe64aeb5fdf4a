"""Python files as a user writes them, for encoders of the kind `py:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiny_models import require_hugging_face

if TYPE_CHECKING:
    from pathlib import Path

PREPARED = "size=32&mean=.5,.5,.5&std=.5,.5,.5"

NETWORK = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.head = nn.Linear(16, 3)  # defined first, runs last
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        )
        self.middle = nn.Linear(16, 16)
        with torch.no_grad():  # random biases would drown what is in the pictures
            for name, weights in self.named_parameters():
                weights.mul_(0.1 if name.endswith("bias") else 3)

    def forward(self, x):
        return self.head(torch.relu(self.middle(self.body(x).mean(dim=(2, 3)))))


class Other(Net):
    def __init__(self):
        super().__init__(seed=1)


def build():
    return Net()


net = Net()


def needs(width):
    return Net()


class Tokens(nn.Module):
    def forward(self, x):
        patches = nn.functional.avg_pool2d(x, 8)
        return (patches.flatten(2).transpose(1, 2),)


class Broken(nn.Module):
    def forward(self, x):
        raise KeyError("a defect of mine")


class Undefined(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)) / 0 * 0


class OneVector(nn.Module):
    def forward(self, x):
        return x.mean(dim=(0, 2, 3))[None]


class Words(nn.Module):
    def forward(self, x):
        return {"features": x}
"""

CALLABLE = """
import numpy as np


def colour_moments(pixels):
    values = pixels.reshape(len(pixels), -1, 3) / 255
    rows = pixels.mean(axis=(2, 3)) / 255
    corner = pixels[:, : pixels.shape[1] // 8, -pixels.shape[2] // 8 :].mean(axis=(1, 2)) / 255
    left = pixels[:, :, : pixels.shape[2] // 2].mean(axis=(1, 2, 3))[:, None] / 255
    ones = np.ones((len(pixels), 1))
    return np.hstack([values.mean(1), values.std(1), rows, corner, left, ones])


colour_moments.preprocessing = {"height": 32, "width": 32, "mode": "squash"}


def wrong_count(pixels):
    return np.ones((1, 4)) if len(pixels) > 1 else np.ones((len(pixels), 4))


def wrong_width(pixels):
    return np.ones((len(pixels), 3 + len(pixels) % 2))


def flat(pixels):
    return np.ones(len(pixels))


def failing(pixels):
    raise ZeroDivisionError("no")


def not_finite(pixels):
    return np.full((len(pixels), 4), np.nan)


def talking(pixels):
    print("embedding", len(pixels))
    return pixels.mean(axis=(1, 2))


def warning(pixels):
    import warnings

    warnings.warn("this is getting old")
    return pixels.mean(axis=(1, 2))


number = 7
"""


def write_network(folder: Path, *, layer: str = "penultimate") -> str:
    """Write a small classifier and return the spec of what one of its layers computes."""
    require_hugging_face()
    (folder / "net.py").write_text(NETWORK)
    return f"py:{folder / 'net.py'}:build?{PREPARED}&layer={layer}&maps=body"


def write_plain_network(folder: Path) -> str:
    """Write a small network and return the spec of its output."""
    require_hugging_face()
    (folder / "net.py").write_text(NETWORK)
    return f"py:{folder / 'net.py'}:Net?{PREPARED}"


def write_callable(folder: Path) -> str:
    """Write a function that needs no PyTorch, and return its spec."""
    (folder / "moments.py").write_text(CALLABLE)
    return f"py:{folder / 'moments.py'}:colour_moments"

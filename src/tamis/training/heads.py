"""Small networks on top of a vector, which are trained with it and then dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["perceptron", "place_perceptron", "seeded"]

M = TypeVar("M", bound=nn.Module)


def seeded(seed: int, make: Callable[[], M]) -> M:
    """Return a new module whose weights depend on the seed alone; the global state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def perceptron(width: int, hidden: int, out: int, *, norm_last: bool = False) -> nn.Sequential:
    """Return two linear layers with batch normalization between, as projection heads have it."""
    layers = [
        nn.Linear(width, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, out, bias=not norm_last),
    ]
    if norm_last:
        layers.append(nn.BatchNorm1d(out, affine=False))
    return nn.Sequential(*layers)


def place_perceptron(width: int, hidden: int, out: int) -> nn.Sequential:
    """Return two linear layers for the features of places, `[B, S, C]` to `[B, S, D]`."""
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out))

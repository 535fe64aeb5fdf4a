"""AdamW, without the compiler that PyTorch's own loads when it is first made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AdamW"]

_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8
_DECAY: Final = 1e-4


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    Weights without a gradient are left alone, as PyTorch leaves them.

    Args:
        weights: what it changes.
        factors: for each of them, by what the learning rate is multiplied.

    Attributes:
        steps: how many were taken with each.
        means: running means of the gradients.
        squares: running means of their squares.
    """

    weights: Sequence[torch.Tensor]
    factors: Sequence[float]
    steps: list[int] = field(init=False)
    means: list[torch.Tensor] = field(init=False)
    squares: list[torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [0] * len(self.weights)
        self.means = [torch.zeros_like(one) for one in self.weights]
        self.squares = [torch.zeros_like(one) for one in self.weights]

    def step(self, rate: float) -> None:
        """Change the weights by their gradients, and forget these."""
        with torch.no_grad():
            for place, (weights, factor) in enumerate(zip(self.weights, self.factors, strict=True)):
                slope, weights.grad = weights.grad, None
                if slope is None:
                    continue
                self.steps[place] += 1
                step, own = self.steps[place], rate * factor
                mean = self.means[place].lerp_(slope, 1 - _FIRST)
                square = self.squares[place].mul_(_SECOND).addcmul_(slope, slope, value=1 - _SECOND)
                spread = (square.sqrt() / (1 - _SECOND**step) ** 0.5).add_(_EPSILON)
                weights.mul_(1 - own * _DECAY)
                weights.addcdiv_(mean, spread, value=-own / (1 - _FIRST**step))

    def state(self) -> dict[str, list[int] | list[torch.Tensor]]:
        """Return what must be kept so that an interrupted training goes on."""
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def restore(self, state: dict[str, list[torch.Tensor]]) -> None:
        """Take up what `state` returned."""
        self.steps = [int(one) for one in state["steps"]]
        self.means, self.squares = list(state["means"]), list(state["squares"])

"""What an objective is: which views of a picture it wants, and the loss of a batch of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import nn

from tamis.training.views import view_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.training.backbone import Backbone
    from tamis.training.views import ViewRecipe

__all__ = ["Batch", "Objective", "SlowCopy"]


class Batch(NamedTuple):
    """A batch as an objective sees it.

    Attributes:
        views: `[B, 3, H, W]` normalized pictures, for each view that the objective asks for.
        groups: `[B]` number of the group of each picture.
        rows: `[B]` number of each picture.
    """

    views: Sequence[torch.Tensor]
    groups: torch.Tensor
    rows: torch.Tensor


class Objective(ABC):
    """What a network is trained to do. Its heads are trained along, and dropped at the end.

    Args:
        backbone: the network, whose weights that learn are decided already.
        seed: of the heads' weights.

    Attributes:
        heads: what is trained beside the network.
    """

    has_negatives: ClassVar[bool] = False
    """Whether pictures are told from others, so that groups must be known."""

    may_gather: ClassVar[bool] = False
    """Whether vectors of whole pictures may come to lie together without being useless."""

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        self.backbone = backbone
        self.seed = seed
        self.heads = nn.ModuleDict()

    def views(
        self, pixels: NDArray[np.uint8], side: int, recipe: ViewRecipe, rng: np.random.Generator
    ) -> list[NDArray[np.uint8]]:
        """Return the views of one picture, `[side, side, 3]` uint8 each; two unless overridden."""
        return [view_of(pixels, side, recipe, rng) for _ in range(2)]

    @abstractmethod
    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of a batch."""

    def after_step(self, share: float) -> None:  # noqa: B027 - most have nothing to follow
        """Follow the weights, which have just changed; `share` of the steps are done."""

    def state(self) -> dict[str, Any]:
        """Return what must be kept so that an interrupted training goes on as if it were not."""
        return {"heads": self.heads.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self.heads.load_state_dict(state["heads"])

    def width(self) -> int:
        """Return the length of the network's vectors."""
        return int(self._trial().shape[1])

    def _trial(self) -> torch.Tensor:
        prepared = self.backbone.preprocessing
        black = torch.zeros((1, 3, prepared.height, prepared.width), device=self.backbone.device)
        with torch.no_grad():
            return self.backbone.model.pooled(black)

    def add_head(self, name: str, head: nn.Module) -> None:
        """Train a head along."""
        self.heads[name] = head.to(self.backbone.device)


class SlowCopy:
    """A running mean of weights, which a network can borrow for a moment.

    Args:
        modules: whose weights that learn are followed.
        momentum: share of the mean that a step keeps, at the beginning; it grows to one.
    """

    def __init__(self, modules: Sequence[nn.Module], momentum: float) -> None:
        self._weights = [
            weights
            for module in modules
            for weights in module.parameters()
            if weights.requires_grad
        ]
        self.mean = [weights.detach().clone() for weights in self._weights]
        self._momentum = momentum

    def follow(self, share: float) -> None:
        """Move towards the weights as they are now."""
        # a cosine from the first momentum to one (Grill et al. 2020, section 3.3)
        cosine = float(torch.cos(torch.tensor(torch.pi * share, dtype=torch.float64)))
        keep = 1 - (1 - self._momentum) * (cosine + 1) / 2
        for mean, weights in zip(self.mean, self._weights, strict=True):
            mean.mul_(keep).add_(weights.detach(), alpha=1 - keep)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let the modules compute with the means, without gradients, inside the block."""
        own = [weights.data for weights in self._weights]
        for mean, weights in zip(self.mean, self._weights, strict=True):
            weights.data = mean
        try:
            with torch.no_grad():
                yield
        finally:
            for data, weights in zip(own, self._weights, strict=True):
                weights.data = data

"""DINO: the network agrees with a slow copy of itself on what kinds of picture there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from tamis.training.heads import perceptron, seeded
from tamis.training.losses import self_distillation_loss
from tamis.training.objectives.base import Objective, SlowCopy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch

__all__ = ["SelfDistillation"]

_MOMENTUM: Final = 0.99
_KINDS: Final = 512
_CENTRE_MOMENTUM: Final = 0.9


class SelfDistillation(Objective):
    """Match a slow copy's sharpened, centered outputs (Caron et al. 2021, DINO).

    Of two views of the same size; the paper's many small crops cost too much on a processor.
    """

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        width = self.width()
        self.add_head("projection", seeded(seed, lambda: perceptron(width, 512, 128)))
        self.add_head("kinds", seeded(seed + 1, lambda: nn.Linear(128, _KINDS, bias=False)))
        self._slow = SlowCopy([backbone.model.module, self.heads], _MOMENTUM)
        self._centre = torch.zeros(_KINDS, device=backbone.device)
        self._seen = self._centre

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        with self._slow.lent():
            targets = [self._kinds(view) for view in batch.views]
        found = [self._kinds(view) for view in batch.views]
        self._seen = torch.cat(targets).mean(dim=0)
        crossed = zip(found, reversed(targets), strict=True)
        return torch.stack([self_distillation_loss(*pair, self._centre) for pair in crossed]).mean()

    def _kinds(self, view: torch.Tensor) -> torch.Tensor:
        """Return cosines to directions that are learned, one for each kind."""
        projected = self.heads["projection"](self.backbone.model.pooled(view))
        unit = nn.functional.normalize
        return unit(projected, dim=1) @ unit(self.heads["kinds"].weight, dim=1).T

    def after_step(self, share: float) -> None:
        """See `Objective`."""
        self._slow.follow(share)
        self._centre = _CENTRE_MOMENTUM * self._centre + (1 - _CENTRE_MOMENTUM) * self._seen

    def state(self) -> dict[str, Any]:
        """See `Objective`."""
        return {**super().state(), "slow": self._slow.mean, "centre": self._centre}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Objective`."""
        super().restore(state)
        self._slow.mean, self._centre = list(state["slow"]), state["centre"]

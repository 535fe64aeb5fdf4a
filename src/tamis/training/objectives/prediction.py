"""BYOL: one view predicts what a slow copy of the network says of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

from tamis.training.heads import perceptron, seeded
from tamis.training.losses import prediction_loss
from tamis.training.objectives.base import Objective, SlowCopy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch

__all__ = ["Prediction"]

_MOMENTUM: Final = 0.99


class Prediction(Objective):
    """Predict the slow copy's vector of another view (Grill et al. 2020, BYOL)."""

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        width = self.width()
        self.add_head("projection", seeded(seed, lambda: perceptron(width, 512, 128)))
        self.add_head("predictor", seeded(seed + 1, lambda: perceptron(128, 512, 128)))
        self._slow = SlowCopy([backbone.model.module, self.heads["projection"]], _MOMENTUM)

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        pooled, heads = self.backbone.model.pooled, self.heads
        with self._slow.lent():
            targets = [heads["projection"](pooled(view)) for view in batch.views]
        predicted = [heads["predictor"](heads["projection"](pooled(view))) for view in batch.views]
        crossed = zip(predicted, reversed(targets), strict=True)
        return torch.stack([prediction_loss(*pair) for pair in crossed]).mean()

    def after_step(self, share: float) -> None:
        """See `Objective`."""
        self._slow.follow(share)

    def state(self) -> dict[str, Any]:
        """See `Objective`."""
        return {**super().state(), "slow": self._slow.mean}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Objective`."""
        super().restore(state)
        self._slow.mean = list(state["slow"])

"""VICReg: views of one picture are alike, while dimensions vary and do not repeat each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.training.heads import perceptron, seeded
from tamis.training.losses import variance_covariance_loss
from tamis.training.objectives.base import Objective

if TYPE_CHECKING:
    import torch

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch

__all__ = ["VarianceCovariance"]


class VarianceCovariance(Objective):
    """Keep views together without any negative (Bardes, Ponce and LeCun 2022, VICReg)."""

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        width = self.width()
        self.add_head("expansion", seeded(seed, lambda: perceptron(width, 512, 512)))

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        left, right = (
            self.heads["expansion"](self.backbone.model.pooled(view)) for view in batch.views
        )
        return variance_covariance_loss(left, right)

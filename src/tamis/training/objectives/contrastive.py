"""SimCLR: views of one picture are alike, those of others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from tamis.training.heads import perceptron, seeded
from tamis.training.losses import contrastive_loss
from tamis.training.objectives.base import Objective

if TYPE_CHECKING:
    import torch

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch

__all__ = ["Contrastive"]

_TEMPERATURE: Final = 0.2


class Contrastive(Objective):
    """Tell each picture from all others (Chen et al. 2020, SimCLR)."""

    has_negatives: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        width = self.width()
        self.add_head("projection", seeded(seed, lambda: perceptron(width, 512, 128)))

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        left, right = (
            self.heads["projection"](self.backbone.model.pooled(view)) for view in batch.views
        )
        return contrastive_loss(left, right, batch.groups, _TEMPERATURE)

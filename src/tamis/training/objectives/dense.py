"""DenseCL: places of two views are matched and told from other pictures' places."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import torch

from tamis.errors import UsageError
from tamis.training.heads import perceptron, place_perceptron, seeded
from tamis.training.losses import contrastive_loss, dense_contrastive_loss
from tamis.training.objectives.base import Objective

if TYPE_CHECKING:
    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch

__all__ = ["Dense"]

_TEMPERATURE: Final = 0.2


class Dense(Objective):
    """Half of the loss is that of whole pictures, half that of places (Wang et al. 2021, DenseCL).

    The places are those of the network's coarsest feature map.

    Raises:
        UsageError: the encoder has no feature maps.
    """

    has_negatives: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        if not backbone.model.maps:
            raise UsageError(f"{backbone.spec} has no feature maps, which densecl needs")
        self._map = list(backbone.model.maps.values())[-1]
        width = self.width()
        prepared = backbone.preprocessing
        black = torch.zeros((1, 3, prepared.height, prepared.width), device=backbone.device)
        with torch.no_grad():
            channels = int(self._map(black).shape[-1])
        self.add_head("projection", seeded(seed, lambda: perceptron(width, 512, 128)))
        self.add_head("places", seeded(seed + 1, lambda: place_perceptron(channels, 256, 128)))

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        model = self.backbone.model
        whole = [self.heads["projection"](model.pooled(view)) for view in batch.views]
        places = [self._map(view).flatten(1, 2) for view in batch.views]
        left, right = ((each, self.heads["places"](each)) for each in places)
        return 0.5 * (
            contrastive_loss(whole[0], whole[1], batch.groups, _TEMPERATURE)
            + dense_contrastive_loss(left, right, batch.groups, _TEMPERATURE)
        )

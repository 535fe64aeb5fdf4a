"""Distillation: a small network learns to place pictures as a large one does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from tamis.training.heads import seeded
from tamis.training.losses import similarity_loss
from tamis.training.objectives.base import Objective
from tamis.training.views import view_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch
    from tamis.training.views import ViewRecipe
    from tamis.types import Vectors

__all__ = ["Distillation"]

_LEAST_AREA: Final = 0.7


class Distillation(Objective):
    """Give vectors whose similarities, and by a linear map whose values, are the teacher's.

    The map is dropped: its cosine teaches what a batch's similarities cannot, but what users
    compare is the network's own vector.

    Args:
        backbone: the network that learns.
        seed: of the map's weights.
        teacher: `[N, E]` the teacher's vector of each picture, by its number.
    """

    def __init__(self, backbone: Backbone, *, seed: int, teacher: Vectors) -> None:
        super().__init__(backbone, seed=seed)
        self._teacher = torch.from_numpy(teacher).to(backbone.device)
        width, wanted = self.width(), teacher.shape[1]
        self.add_head("map", seeded(seed, lambda: nn.Linear(width, wanted)))

    def views(
        self, pixels: NDArray[np.uint8], side: int, recipe: ViewRecipe, rng: np.random.Generator
    ) -> list[NDArray[np.uint8]]:
        """See `Objective`: one view, little changed, since the teacher saw the whole picture."""
        least = max(recipe.least_area, _LEAST_AREA)
        near = replace(recipe.gentle(), least_area=least, resized=True)
        return [view_of(pixels, side, near, rng)]

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        vectors = self.backbone.model.pooled(batch.views[0])
        target = self._teacher[batch.rows]
        unit = nn.functional.normalize(vectors, dim=1)
        mapped = self.heads["map"](unit * vectors.shape[1] ** 0.5)
        near = 1 - nn.functional.cosine_similarity(mapped, target, dim=1).mean()
        return near + similarity_loss(vectors, target)

"""CutPaste: tell a picture as it is from one with a patch, or a scar, pasted into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import torch
from torch import nn

from tamis.algo.pasted_patches import paste_patch, paste_scar
from tamis.training.heads import perceptron, seeded
from tamis.training.objectives.base import Objective
from tamis.training.views import view_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.training.backbone import Backbone
    from tamis.training.objectives.base import Batch
    from tamis.training.views import ViewRecipe

__all__ = ["Pasted"]

_KINDS: Final = 3


class Pasted(Objective):
    """Tell whole pictures from flawed ones (Li et al. 2021, CutPaste, the three-way variant).

    The head sees the vector that the encoder gives, so that this vector keeps what tells them
    apart: small local differences, which telling pictures from each other removes.
    """

    may_gather: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, *, seed: int) -> None:
        super().__init__(backbone, seed=seed)
        width = self.width()
        self.add_head("kind", seeded(seed, lambda: perceptron(width, 256, _KINDS)))

    def views(
        self, pixels: NDArray[np.uint8], side: int, recipe: ViewRecipe, rng: np.random.Generator
    ) -> list[NDArray[np.uint8]]:
        """See `Objective`: one whole picture, one with a patch, one with a scar."""
        gentle = recipe.gentle()
        whole, second, third = (view_of(pixels, side, gentle, rng) for _ in range(_KINDS))
        return [whole, paste_patch(second, rng), paste_scar(third, rng)]

    def loss(self, batch: Batch) -> torch.Tensor:
        """See `Objective`."""
        vectors = self.backbone.model.pooled(torch.cat(list(batch.views)))
        unit = nn.functional.normalize(vectors, dim=1) * vectors.shape[1] ** 0.5
        kinds = torch.arange(_KINDS, device=vectors.device)
        truth = kinds.repeat_interleave(len(batch.rows))
        return nn.functional.cross_entropy(self.heads["kind"](unit), truth)

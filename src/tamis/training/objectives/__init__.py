"""What networks are trained to do without labels, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tamis.training.objectives.base import Batch, Objective
from tamis.training.objectives.contrastive import Contrastive
from tamis.training.objectives.dense import Dense
from tamis.training.objectives.distillation import Distillation
from tamis.training.objectives.pasted import Pasted
from tamis.training.objectives.prediction import Prediction
from tamis.training.objectives.self_distillation import SelfDistillation
from tamis.training.objectives.variance import VarianceCovariance

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OBJECTIVES", "Batch", "Distillation", "Objective", "ObjectiveName"]

ObjectiveName: TypeAlias = Literal["simclr", "vicreg", "byol", "dino", "densecl", "cutpaste"]

OBJECTIVES: Final[Mapping[ObjectiveName, type[Objective]]] = {
    "simclr": Contrastive,
    "vicreg": VarianceCovariance,
    "byol": Prediction,
    "dino": SelfDistillation,
    "densecl": Dense,
    "cutpaste": Pasted,
}
"""Those that need nothing but pictures; distillation needs a teacher too."""

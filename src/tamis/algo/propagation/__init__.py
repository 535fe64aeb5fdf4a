"""Labels for all rows from a few, how right they are expected to be, and what to look at first."""

from tamis.algo.propagation.diffusion import Diffusion, affinities
from tamis.algo.propagation.multi_label import (
    LabelOutcome,
    MultiLabelPropagation,
    propagate_label_sets,
)
from tamis.algo.propagation.new_rows import NewRows
from tamis.algo.propagation.propagate import ClassTexts, Propagation, propagate
from tamis.algo.propagation.review import review_first
from tamis.algo.propagation.seed_groups import Conflict
from tamis.algo.propagation.trials import Trial

__all__ = [
    "ClassTexts",
    "Conflict",
    "Diffusion",
    "LabelOutcome",
    "MultiLabelPropagation",
    "NewRows",
    "Propagation",
    "Trial",
    "affinities",
    "propagate",
    "propagate_label_sets",
    "review_first",
]

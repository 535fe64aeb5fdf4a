"""Labels that are probably wrong: ranked, told apart by what is the matter, and explained."""

from tamis.algo.mislabels.find import Mislabels, find_mislabels, label_examples
from tamis.algo.mislabels.kinds import KINDS, LabelKind
from tamis.algo.mislabels.planted import average_precision

__all__ = [
    "KINDS",
    "LabelKind",
    "Mislabels",
    "average_precision",
    "find_mislabels",
    "label_examples",
]

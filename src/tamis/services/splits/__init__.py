"""Train, validation and test sets that share no near-duplicate and each cover every condition."""

from tamis.services.splits.check import audit_if_split, check_splits
from tamis.services.splits.folds import Fold, folds
from tamis.services.splits.make import split
from tamis.services.splits.outcome import Leak, SplitDifference, SplitReport

__all__ = [
    "Fold",
    "Leak",
    "SplitDifference",
    "SplitReport",
    "audit_if_split",
    "check_splits",
    "folds",
    "split",
]

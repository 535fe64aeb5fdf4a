"""Kernels: how well one row represents another, as a function of their cosine similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.types import Vectors

__all__ = ["COSINE", "Kernel", "typical_width"]

_PAIR_ROWS = 1_000
_ROUNDING = 4e-6


@dataclass(frozen=True)
class Kernel:
    """A nondecreasing, nonnegative function of the cosine similarity.

    Attributes:
        kind: `cosine` is the similarity itself, or 0 if it is negative; `gaussian` is
            `exp(-d² / width²)` of the Euclidean distance `d`; `within` is 1 up to the cosine
            distance `width`, else 0.
        width: see `kind`.

    Example:
        >>> similarities = np.array([1, 0.5, -0.5], dtype=np.float32)
        >>> Kernel("within", 0.6).apply(similarities)
        >>> similarities.tolist()
        [1.0, 1.0, 0.0]
    """

    kind: Literal["cosine", "gaussian", "within"] = "cosine"
    width: float = 0.0

    def __post_init__(self) -> None:
        if self.kind == "gaussian" and not self.width > 0:
            raise UsageError(f"the width of a Gaussian must be over 0, not {self.width}")

    def apply(self, similarities: Vectors) -> None:
        """Replace cosine similarities by the kernel's values, in place."""
        if self.kind == "cosine":
            np.maximum(similarities, 0, out=similarities)
        elif self.kind == "within":
            # The cosine of two identical rows may be slightly below 1.
            np.greater_equal(similarities, 1.0 - self.width - _ROUNDING, out=similarities)
        else:
            # For unit vectors, d² = 2 - 2 cos.
            np.minimum(similarities, 1, out=similarities)
            similarities -= 1
            similarities *= 2.0 / self.width**2
            np.exp(similarities, out=similarities)


COSINE = Kernel()


def typical_width(X: Vectors, rng: np.random.Generator) -> float:
    """Return the median Euclidean distance over all pairs of a random 1,000 rows.

    With fewer than two distinct rows it is 1, since any width would do.
    """
    rows = X
    if X.shape[0] > _PAIR_ROWS:
        rows = X[np.sort(rng.choice(X.shape[0], _PAIR_ROWS, replace=False))]
    similarities = (rows @ rows.T)[np.triu_indices(rows.shape[0], 1)]
    if similarities.size == 0:
        return 1.0
    median = 2.0 - 2.0 * float(np.median(similarities))
    return float(np.sqrt(median)) if median > _ROUNDING else 1.0

"""Classifier two-sample test: whether a linear classifier can tell the sides apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

from tamis.algo.two_sample.permutation import TestResult, tested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample.permutation import Deals
    from tamis.algo.two_sample.pooled import Pooled

__all__ = ["ClassifierStatistic", "classifier_test"]

_FOLDS: Final = 5
_RIDGE: Final = 0.1
"""Ridge, as a multiple of the mean variance of a direction."""


class ClassifierStatistic:
    """How far apart a classifier holds the two sides on units that it was not fitted on.

    Ridge regression of the side, which is Fisher's discriminant with a shrunken covariance, is
    fitted anew for each deal and fold; being linear in the sides it needs one factorization a
    fold for all deals. The statistic is the difference between the mean outputs of batch and
    reference, over folds, by the standard deviation of the outputs. O(N D² + D³) to set up;
    O(B G D) for B deals, and O(B D²) more where units hold several rows.

    Args:
        pooled: the rows.
        rng: deals units to folds.
    """

    def __init__(self, pooled: Pooled, *, rng: np.random.Generator) -> None:
        self._pooled = pooled
        used = pooled.unit >= 0
        self._mean = pooled.X[used].mean(axis=0, dtype=np.float64)
        rows = pooled.X[used].astype(np.float64) - self._mean
        self._sizes = pooled.sizes
        self._sums = pooled.unit_sums(pooled.X) - self._sizes[:, None] * self._mean
        self._fold = rng.permutation(np.arange(pooled.units) % min(_FOLDS, pooled.units))
        fold_of_row = self._fold[pooled.unit[used]]
        moments = [
            rows[fold_of_row == fold].T @ rows[fold_of_row == fold]
            for fold in range(int(self._fold.max()) + 1)
        ]
        whole = np.sum(moments, axis=0)
        unit_matrix = np.eye(len(whole))
        # Of rows that are all the same, any ridge will do.
        ridge = _RIDGE * (float(np.trace(whole)) / len(whole) or 1.0)
        # Well conditioned, thanks to the ridge.
        self._inverses = [
            cho_solve(
                cho_factor(whole - own + ridge * unit_matrix, check_finite=False), unit_matrix
            )
            for own in moments
        ]
        self._outputs = [
            self._sums[self._fold == fold] @ inverse for fold, inverse in enumerate(self._inverses)
        ]
        self._squares: list[NDArray[np.float64]] | None = None
        if self._sizes.max() > 1:
            self._squares = [
                inverse @ own @ inverse
                for inverse, own in zip(self._inverses, moments, strict=True)
            ]

    def __call__(self, dealt: Deals) -> NDArray[np.float64]:
        """Return `[B]` separations of deals `[B, G]`."""
        sides = _targets(dealt, self._sizes)
        batch = dealt.astype(np.float64)
        rows = batch @ self._sizes
        of_batch, total = np.zeros(len(dealt)), np.zeros(len(dealt))
        squares = np.zeros(len(dealt))
        for fold, along in enumerate(self._along(sides)):
            outputs = self._outputs[fold] @ along
            of_batch += np.einsum("gb,bg->b", outputs, batch[:, self._fold == fold])
            total += outputs.sum(axis=0)
            if self._squares is None:
                squares += np.einsum("gb,gb->b", outputs, outputs)
            else:
                squares += np.einsum("db,db->b", along, self._squares[fold] @ along)
        n = self._sizes.sum()
        apart = of_batch / rows - (total - of_batch) / (n - rows)
        spread = np.sqrt(np.maximum(squares / n - (total / n) ** 2, np.finfo(np.float64).tiny))
        separation: NDArray[np.float64] = apart / spread
        return separation

    def outputs(self) -> NDArray[np.float64]:
        """Return `[N]` the output for each pooled row of a classifier not fitted on its unit.

        The higher, the more it looks like the batch; NaN for a row that no unit holds.
        """
        pooled = self._pooled
        found = np.full(len(pooled.X), np.nan)
        sides = _targets(pooled.unit_is_batch[None], self._sizes)
        fold = np.where(pooled.unit >= 0, self._fold[pooled.unit], -1)
        for number, along in enumerate(self._along(sides)):
            mine = fold == number
            weights = self._inverses[number] @ along[:, 0]
            found[mine] = (pooled.X[mine] - self._mean) @ weights
        return found

    def area_under_curve(self) -> float:
        """Return the chance that a row of the batch has a higher output than one of the rest."""
        outputs, batch = self.outputs(), self._pooled.batch
        seen = np.isfinite(outputs)
        ranks, inside = rankdata(outputs[seen]), batch[seen]
        n = int(inside.sum())
        return float((ranks[inside].sum() - n * (n + 1) / 2) / (n * (inside.size - n)))

    def _along(self, sides: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """`[D, B]` for each fold: rows of all other folds by the side they are dealt to."""
        own = [
            self._sums[self._fold == fold].T @ sides[:, self._fold == fold].T
            for fold in range(len(self._inverses))
        ]
        whole = np.sum(own, axis=0)
        return [whole - one for one in own]


def _targets(dealt: Deals, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is regressed: one over the rows of the batch, or minus one over those outside."""
    rows = (dealt @ sizes)[:, None]
    targets: NDArray[np.float64] = np.where(dealt, 1 / rows, -1 / (sizes.sum() - rows))
    return targets


def classifier_test(
    pooled: Pooled, *, permutations: int = 499, rng: np.random.Generator
) -> TestResult:
    """Test whether a classifier tells the sides apart (Lopez-Paz and Oquab 2017), cross-validated.

    The outputs of five folds depend on each other, so no table of a known distribution fits them;
    here each permutation fits its own classifiers. Classes of a fold are not balanced.

    Raises:
        UsageError: `permutations` is under 1.

    Example:
        >>> from tamis.algo.two_sample.pooled import pool
        >>> rng = np.random.default_rng(0)
        >>> pooled = pool(rng.normal(size=(100, 8)), rng.normal(1, size=(50, 8)), rng=rng)
        >>> classifier_test(pooled, rng=rng).p
        0.002
    """
    return tested(ClassifierStatistic(pooled, rng=rng), pooled.unit_is_batch, permutations, rng)

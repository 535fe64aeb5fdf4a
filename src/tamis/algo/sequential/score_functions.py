"""Numbers that tell how unusual a row is, fitted on rows that are never compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["ScoreFunctions", "fit_scores"]

_DIRECTIONS: Final = 16
_NEIGHBORS: Final = 500
_CHUNK: Final = 4096


@dataclass(frozen=True)
class ScoreFunctions:
    """Scores of a row: along directions of the largest spread, off them, and from known rows.

    Attributes:
        mean: `[D]` of the rows fitted on.
        directions: `[P, D]` orthonormal.
        known: `[R, D]` float32 rows fitted on.
        covariates: how many simple figures are scores by themselves.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    known: Vectors
    covariates: int

    @property
    def names(self) -> tuple[str, ...]:
        """What each score is: of directions, residual, distance, then of covariates."""
        return (
            *(f"direction {number}" for number in range(len(self.directions))),
            "residual",
            "distance",
            *(f"covariate {number}" for number in range(self.covariates)),
        )

    def __call__(
        self, X: NDArray[Any], covariates: NDArray[Any] | None = None
    ) -> NDArray[np.float64]:
        """Return `[N, S]` scores of rows `[N, D]` and their covariates `[N, C]`.

        A row's scores depend on no other row: its coordinates along the directions, the length of
        what is left, the distance to the nearest known row, and its covariates. NaN where a
        covariate is unknown. O(N R D).

        Raises:
            UsageError: dimensions or covariates are not those fitted on.
        """
        rows = np.asarray(X, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.mean.size:  # noqa: PLR2004 - rows and columns
            raise UsageError(
                f"rows of shape {rows.shape} do not have the {self.mean.size} dimensions of the "
                "reference: embed both with the same encoder"
            )
        figures = np.empty((len(rows), 0)) if covariates is None else np.asarray(covariates)
        figures = figures.astype(np.float64)
        if figures.ndim == 1:
            figures = figures[:, None]
        if figures.shape[1] != self.covariates:
            raise UsageError(
                f"the reference has {self.covariates} covariates, not {figures.shape[1]}"
            )
        centered = rows - self.mean
        along = centered @ self.directions.T
        left = np.einsum("nd,nd->n", centered, centered) - np.einsum("np,np->n", along, along)
        if len(self.directions) == self.mean.size:
            left[:] = 0.0  # errors of rounding differ with the number of rows, and would be ranked
        return np.column_stack(
            [along, np.sqrt(np.maximum(left, 0.0)), self._distance(rows), figures]
        )

    def _distance(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        known = self.known.astype(np.float64)
        lengths = np.einsum("rd,rd->r", known, known)
        nearest = [
            (lengths - 2 * (part @ known.T)).min(axis=1) + np.einsum("nd,nd->n", part, part)
            for part in (rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK))
        ]
        found: NDArray[np.float64] = np.sqrt(np.maximum(np.concatenate([*nearest, []]), 0.0))
        return found


def fit_scores(
    X: NDArray[Any], *, covariates: int = 0, directions: int = _DIRECTIONS, rng: np.random.Generator
) -> ScoreFunctions:
    """Fit score functions on rows that are set aside for it.

    Ranks among rows that the scores were fitted on would not be fair: those rows lie nearer to
    themselves than any other does. O(N D² + D³).

    Args:
        X: `[N, D]` finite rows, at least two.
        covariates: how many simple figures come with each row.
        directions: P, at most; principal ones.
        rng: draws 500 known rows.

    Raises:
        UsageError: there are under two rows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scores = fit_scores(rng.normal(size=(50, 3)), rng=rng)
        >>> scores(np.zeros((2, 3))).shape
        (2, 5)
    """
    rows = np.asarray(X, np.float64)
    if rows.ndim != 2 or len(rows) < 2:  # noqa: PLR2004 - one row has no spread
        raise UsageError(f"scores are fitted on at least two rows, not on shape {rows.shape}")
    mean = rows.mean(axis=0)
    centered = rows - mean
    values, vectors = np.linalg.eigh(centered.T @ centered)
    kept = min(directions, len(rows) - 1, rows.shape[1])
    top = np.argsort(-values, kind="stable")[:kept]
    axes = vectors[:, top].T
    # an eigenvector has no sign of its own
    axes *= np.sign(axes[np.arange(kept), np.abs(axes).argmax(axis=1)])[:, None]
    drawn = np.sort(rng.choice(len(rows), min(_NEIGHBORS, len(rows)), replace=False))
    return ScoreFunctions(mean, axes, rows[drawn].astype(np.float32), covariates)

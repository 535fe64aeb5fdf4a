"""A linear map from the space of one encoder to that of another, learned from the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.exact_neighbors import exact_graph, exact_search
from tamis.algo.unit_vectors import normalise_rows, unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["LinearMap", "fit_linear_map", "hold_out", "neighbour_recall", "precision_of_queries"]

_BLOCK: Final = 4096
_PENALTIES: Final = np.logspace(-7, 2, 37)


@dataclass(frozen=True)
class LinearMap:
    """A map from vectors of D numbers to unit vectors of E numbers.

    Attributes:
        weights: `[D, E]` float32.
        offset: `[E]` float32.
        penalty: the ridge penalty, in the units of the squared singular values.
        error: mean squared error per picture, estimated by generalized cross-validation.
    """

    weights: NDArray[np.float32]
    offset: NDArray[np.float32]
    penalty: float
    error: float

    def apply(self, X: NDArray[Any]) -> Vectors:
        """Return `[N, E]` float32 unit vectors of `[N, D]` vectors; a zero row stays zero."""
        return normalise_rows(np.asarray(X, np.float32) @ self.weights + self.offset)


def fit_linear_map(
    X: NDArray[Any], Y: NDArray[Any], *, centre: bool = True, penalty: float | None = None
) -> LinearMap:
    """Fit `Y ≈ X W + b` by ridge regression, with the penalty chosen by cross-validation.

    After Moayeri, Rezaei, Sanjabi and Feizi, "Text-to-concept (and back) via cross-model
    alignment" (ICML 2023): the spaces of separately trained encoders differ by little more than a
    linear map, so text vectors of one can be compared with picture vectors of the other. The
    penalty is the one on a logarithmic grid with the lowest generalized cross-validation error
    `N |Y - Ŷ|² / (N - trace H)²`, where `Ŷ = H Y` (Golub, Heath and Wahba, 1979), over all columns
    of Y together. One decomposition of `XᵀX` serves the whole grid.

    O(N D (D + E) + D³) time; O(D (D + E)) memory besides X and Y. Sums are float64.

    Args:
        X: `[N, D]` vectors, N at least 2.
        Y: `[N, E]` vectors of the same pictures.
        centre: also fit the offset b, without a penalty; otherwise it is 0.
        penalty: at least 0; None chooses it.

    Raises:
        UsageError: shapes do not fit, a number is not finite, `penalty` is negative.

    Example:
        >>> X = np.random.default_rng(0).standard_normal((50, 3))
        >>> turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
        >>> np.allclose(fit_linear_map(X, X @ turn + 1).weights, turn, atol=1e-4)
        True
    """
    rows = _checked(X, Y, penalty)
    x_mean = X.mean(axis=0, dtype=np.float64) if centre else np.zeros(X.shape[1])
    y_mean = Y.mean(axis=0, dtype=np.float64) if centre else np.zeros(Y.shape[1])
    gram = np.zeros((X.shape[1], X.shape[1]))
    cross = np.zeros((X.shape[1], Y.shape[1]))
    total = 0.0
    for start in range(0, rows, _BLOCK):
        x = X[start : start + _BLOCK].astype(np.float64) - x_mean
        y = Y[start : start + _BLOCK].astype(np.float64) - y_mean
        gram += x.T @ x
        cross += x.T @ y
        total += float((y * y).sum())
    values, axes = np.linalg.eigh(gram)
    # Eigenvalues that are zero up to rounding have no meaningful eigenvector.
    used = values > max(values[-1], 0.0) * X.shape[1] * np.finfo(np.float64).eps
    values, axes = values[used], axes[:, used]
    along = axes.T @ cross
    explained = (along * along).sum(axis=1) / values
    grid = _grid(values) if penalty is None else np.array([float(penalty)])
    errors = np.array(
        [_validation_error(one, values, explained, total, rows, free=int(centre)) for one in grid]
    )
    best = int(np.argmin(errors))
    weights = axes @ (along / (values + grid[best])[:, None])
    return LinearMap(
        weights=weights.astype(np.float32),
        offset=(y_mean - x_mean @ weights).astype(np.float32),
        penalty=float(grid[best]),
        error=float(errors[best]),
    )


def _checked(X: NDArray[Any], Y: NDArray[Any], penalty: float | None) -> int:
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or len(X) < 2:  # noqa: PLR2004
        raise UsageError(
            f"a map needs two tables of at least 2 vectors of the same pictures, not of shapes "
            f"{X.shape} and {Y.shape}"
        )
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise UsageError("a map cannot be learned from vectors that are not finite")
    if penalty is not None and not penalty >= 0:
        raise UsageError(f"the penalty is {penalty}; it must be 0 or more")
    return len(X)


def _grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    grid: NDArray[np.float64] = _PENALTIES * (values[-1] if values.size else 1.0)
    return grid


def _validation_error(
    penalty: float,
    values: NDArray[np.float64],
    explained: NDArray[np.float64],
    total: float,
    rows: int,
    *,
    free: int,
) -> float:
    """Return N |Y - Ŷ|² / (N - trace H)², from the part of |Y|² along each eigenvector."""
    left = penalty / (values + penalty) if penalty else np.zeros_like(values)
    residual = max(total - float((explained * (1 - left * left)).sum()), 0.0)
    freedom = rows - free - float((1 - left).sum())
    return rows * residual / freedom**2 if freedom > 0 else np.inf


def hold_out(groups: Indices, share: float, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Split rows into a fitting set and about a `share` to evaluate on; groups stay whole.

    Args:
        groups: `[N]` group of each row.
        share: of the rows to hold out, in (0, 1).
        rng: draws the order in which groups are held out.

    Returns:
        Two ascending arrays of row numbers: to fit on, and held out (never more than the share).
    """
    names, members = np.unique(groups, return_counts=True)
    room = int(share * groups.size)
    chosen = []
    for place in rng.permutation(names.size):
        if members[place] <= room:
            chosen.append(names[place])
            room -= int(members[place])
    held = np.isin(groups, chosen)
    return np.flatnonzero(~held), np.flatnonzero(held)


def neighbour_recall(native: Vectors, mapped: Vectors, k: int) -> float:
    """Return the mean recall at `k` of searching mapped vectors instead of native ones.

    Each native vector is a query, searched among the other native vectors (the truth) and among
    the other mapped vectors. O(N²E) time.

    Args:
        native: `[N, E]` unit vectors.
        mapped: `[N, E]` unit vectors that approximate `native`, row by row.
        k: in [1, N).

    Raises:
        UsageError: shapes differ, or `k` is out of range.
    """
    X, Y = unit_vectors(native), np.ascontiguousarray(mapped, np.float32)
    if X.shape != Y.shape or not 1 <= k < len(X):
        raise UsageError(f"cannot compare the {k} nearest among vectors {X.shape} and {Y.shape}")
    truth, _ = exact_graph(X, k)
    found, _ = exact_search(X, Y, k + 1)
    own = found == np.arange(len(X))[:, None]
    own[~own.any(axis=1), -1] = True  # a row that did not find itself drops its last result
    others = found[~own].reshape(len(X), k)
    return float((truth[:, :, None] == others[:, None, :]).any(axis=2).mean())


def precision_of_queries(
    queries: Vectors, vectors: Vectors, classes: Indices, k: int
) -> float | None:
    """Return the mean precision at `k` of class queries.

    Args:
        queries: `[C, E]`; row c is the query of class c.
        vectors: `[N, E]` unit vectors.
        classes: `[N]` class of each vector; -1 for none.
        k: results to judge; for a class with fewer vectors, as many as it has.

    Returns:
        The mean over the classes that have a vector; None if no class has one.
    """
    shares = []
    for number, query in enumerate(queries):
        size = min(k, int((classes == number).sum()))
        if size:
            near = np.argsort(-(vectors @ query), kind="stable")[:size]
            shares.append(float((classes[near] == number).mean()))
    return float(np.mean(shares)) if shares else None

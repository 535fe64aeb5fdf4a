"""One decision at one level: whether a batch has drifted, in its vectors or in simple figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.two_sample import (
    ClassifierStatistic,
    GapStatistic,
    MmdStatistic,
    NeighborStatistic,
    ShareStatistic,
    deals,
    evaluated,
    p_values,
    unit_counts,
)
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.two_sample import Pooled, Statistic

__all__ = ["Covariate", "CovariateDrift", "DriftDecision", "decide_drift"]


@dataclass(frozen=True)
class Covariate:
    """A simple figure of each row, such as brightness, size, hour or camera.

    Attributes:
        name: what it is called.
        is_category: whether its numbers only name something, such as a camera.
    """

    name: str
    is_category: bool = False


@dataclass(frozen=True)
class CovariateDrift:
    """What the decision says of one covariate.

    Attributes:
        name: what it is called.
        p: by itself.
        adjusted: with regard to all covariates (Westfall and Young 1993): the chance that any of
            them is as unlikely as this one where none has changed.
        reference: median of the reference; of a category, its commonest; NaN if unknown.
        batch: the same of the batch.
    """

    name: str
    p: float
    adjusted: float
    reference: float
    batch: float


@dataclass(frozen=True)
class DriftDecision:
    """Whether a batch is drawn from where the reference is.

    Attributes:
        drift: `p <= level`. Where nothing has changed it is true with a chance of `level` at most,
            all tests and covariates together.
        p: of everything together.
        level: what `p` is held against.
        p_vectors: of the vectors by themselves.
        p_covariates: of all covariates together; 1 where there is none.
        mmd2: unbiased squared MMD; about 0 where nothing has changed.
        separation: how far apart a cross-validated linear classifier holds the sides, in its
            standard deviations.
        neighbors_alike: share of a row's nearest rows that are of its own side; about .5 where
            nothing has changed.
        area_under_curve: chance that it ranks a row of the batch above one of the reference; .5
            where nothing has changed.
        covariates: of each covariate, as they were given.
        units: draws of the reference and of the batch.
    """

    drift: bool
    p: float
    level: float
    p_vectors: float
    p_covariates: float
    mmd2: float
    separation: float
    neighbors_alike: float
    area_under_curve: float
    covariates: tuple[CovariateDrift, ...]
    units: tuple[int, int]


def decide_drift(
    pooled: Pooled,
    covariates: Sequence[Covariate] = (),
    *,
    level: float = 0.05,
    permutations: int = 999,
    rng: np.random.Generator,
) -> DriftDecision:
    """Decide whether a batch has drifted, in its vectors or in its covariates.

    The vectors are tested by MMD, which sees most shifts of many rows, by a cross-validated linear
    classifier, which sees shifts along directions that hardly vary, and by nearest neighbors, which
    see a few rows that are new; a covariate by the largest gap between its distributions, or by χ²
    where it is a category. All are evaluated on the same permutations of units. The smallest
    p-value of the vectors, and that of the covariates, are held against those of the other
    permutations, and so is the smaller of the two: half of the chance of a false alarm is left to
    the vectors, however many covariates there are. About a second for 10,000 rows of 384 dimensions
    on either side.

    Args:
        pooled: both sides, with the covariates as columns.
        covariates: what each column is.
        level: the chance of a false alarm.
        permutations: B; no p-value is under 1 / (B + 1).
        rng: draws features, folds and permutations.

    Raises:
        UsageError: columns and covariates differ in number, the level is not between 0 and 1, or
            no number of permutations so small can reach it.

    Example:
        >>> from tamis.algo.two_sample import pool
        >>> rng = np.random.default_rng(0)
        >>> X, dark = rng.normal(size=(150, 8)), np.repeat([0.5, 0.1], [100, 50])
        >>> dark += 0.1 * rng.random(150)
        >>> pooled = pool(X[:100], X[100:], covariates=(dark[:100], dark[100:]), rng=rng)
        >>> found = decide_drift(pooled, [Covariate("brightness")], rng=rng)
        >>> found.drift, found.p_vectors > 0.05, found.covariates[0].name
        (True, True, 'brightness')
    """
    if len(covariates) != pooled.covariates.shape[1]:
        raise UsageError(
            f"{pooled.covariates.shape[1]} columns and {len(covariates)} covariates: name each"
        )
    if not 0 < level < 1:
        raise UsageError(f"the level must lie between 0 and 1, not at {level:g}")
    if level * (permutations + 1) < 1:
        raise UsageError(
            f"with {permutations} permutations no p-value can reach {level:g}: "
            f"take at least {int(np.ceil(1 / level))}"
        )
    dealt = deals(pooled.unit_is_batch, permutations, rng)
    classifier = ClassifierStatistic(pooled, rng=rng)
    of_vectors = MmdStatistic(pooled, rng=rng), classifier, NeighborStatistic(pooled, rng=rng)
    vectors = np.stack([evaluated(one, dealt) for one in of_vectors], axis=1)
    p_vectors, far = _combined(p_values(vectors), _standardized(vectors))
    together, p_covariates = p_vectors, np.ones(len(dealt))
    p_columns = np.ones((len(dealt), 0))
    if covariates:
        statistics = [
            _statistic(pooled, column, covariate)
            for column, covariate in zip(pooled.covariates.T, covariates, strict=True)
        ]
        columns = np.stack([evaluated(one, dealt) for one in statistics], axis=1)
        p_columns = p_values(columns)
        p_covariates, beyond = _combined(p_columns, _standardized(columns))
        together, _ = _combined(
            np.stack([p_vectors, p_covariates], axis=1), np.stack([far, beyond], axis=1)
        )
    least = p_columns.min(axis=1, initial=1.0)
    batch = int(np.count_nonzero(pooled.unit_is_batch))
    return DriftDecision(
        drift=bool(together[0] <= level),
        p=float(together[0]),
        level=level,
        p_vectors=float(p_vectors[0]),
        p_covariates=float(p_covariates[0]),
        mmd2=float(vectors[0, 0]),
        separation=float(vectors[0, 1]),
        neighbors_alike=float(vectors[0, 2]),
        area_under_curve=classifier.area_under_curve(),
        covariates=tuple(
            CovariateDrift(
                covariate.name,
                float(p_columns[0, place]),
                float(np.mean(least <= p_columns[0, place])),
                _typical(pooled.covariates[~pooled.batch, place], covariate),
                _typical(pooled.covariates[pooled.batch, place], covariate),
            )
            for place, covariate in enumerate(covariates)
        ),
        units=(pooled.units - batch, batch),
    )


def _combined(
    p: NDArray[np.float64], far: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The p-value, for each deal, of the smallest of its p-values `[B + 1, T]`.

    A p-value of permutations cannot be smaller than 1 / (B + 1), and of T tests up to T deals
    share that. Of equal ones the deal that is farther out, by the other column returned, comes
    first; or what is plain would have T times the p-value that it could have.
    """
    farthest = far.max(axis=1)
    within = 0.5 + 0.5 * farthest / (1 + np.abs(farthest))
    return p_values(0.5 * within / len(p) - p.min(axis=1)), farthest


def _standardized(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each deal's statistic lies above the mean of all, in standard deviations."""
    spread = statistics.std(axis=0)
    far: NDArray[np.float64] = (statistics - statistics.mean(axis=0)) / np.where(
        spread > 0, spread, np.inf
    )
    return far


def _statistic(pooled: Pooled, column: NDArray[np.float64], covariate: Covariate) -> Statistic:
    if not covariate.is_category:
        return GapStatistic(pooled, column)
    # What is unknown is a category like any other.
    category = np.unique(column, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return ShareStatistic(unit_counts(pooled, category))


def _typical(column: NDArray[np.float64], covariate: Covariate) -> float:
    known = column[np.isfinite(column)]
    if known.size == 0:
        return float("nan")
    if covariate.is_category:
        names, counts = np.unique(known, return_counts=True)
        return float(names[counts.argmax()])
    return float(np.median(known))

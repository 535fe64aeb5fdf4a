"""MaxHerding, and UHerding, which weighs rows by the model's uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.algo.facility_location import facility_location
from tamis.algo.greedy import Kernel, typical_width
from tamis.algo.selection.pool import Pool, Stage
from tamis.algo.selection.uncertainty import margin_uncertainty

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["max_herding", "uncertainty_herding"]


def max_herding(pool: Pool, n: int) -> Stage:
    """Pick the rows that best cover all rows under a Gaussian kernel (Bae et al. 2024).

    Facility location on `exp(-d² / width²)`, with the median distance of two rows as width.
    """
    return _herding(pool, n, None)


def uncertainty_herding(pool: Pool, n: int) -> Stage:
    """Pick the rows that best cover the rows a model is unsure of (Bae et al. 2025).

    As `max_herding`, with each row weighted by one minus the margin between its two most likely
    classes. Probabilities should be calibrated; the width does not change with the budget.
    """
    return _herding(pool, n, margin_uncertainty(pool.needs_probabilities("uncertainty-herding")))


def _herding(pool: Pool, n: int, weights: NDArray[Any] | None) -> Stage:
    picks = facility_location(
        pool.X,
        n,
        candidates=pool.candidates,
        chosen=pool.chosen,
        kernel=Kernel("gaussian", typical_width(pool.X, pool.rng)),
        weights=weights,
        allowance=pool.allowance,
        rng=pool.rng,
    )
    return Stage(picks.indices, picks.gains / max(1, pool.X.shape[0]), parts=picks.parts)

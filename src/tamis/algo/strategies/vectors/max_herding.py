"""MaxHerding: the rows that best cover all rows under a Gaussian kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.algo.greedy import Kernel, typical_width
from tamis.algo.selection.strategy import PickedRow, Pool, Stage, Strategy
from tamis.algo.strategies.vectors.facility_location import facility_location

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["herding", "max_herding"]


def max_herding(pool: Pool, n: int) -> Stage:
    """Pick the rows that best cover all rows under a Gaussian kernel (Bae et al. 2024).

    Scores are what each pick adds to the mean similarity of all rows to their nearest pick.
    """
    return herding(pool, n)


def herding(pool: Pool, n: int, weights: NDArray[Any] | None = None) -> Stage:
    """Pick by facility location on `exp(-d² / width²)`, with the median distance of two rows.

    Args:
        pool: what to pick from.
        n: how many.
        weights: `[N]` how much each row's cover counts; all alike if None.
    """
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


STRATEGY = Strategy(max_herding, reason=PickedRow.represented)

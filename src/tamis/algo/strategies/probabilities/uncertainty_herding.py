"""UHerding: the rows that best cover the rows a model is unsure of."""

from __future__ import annotations

from tamis.algo.selection.strategy import Pool, Stage, Strategy
from tamis.algo.strategies.probabilities.margin import margin_uncertainty
from tamis.algo.strategies.vectors.max_herding import herding

__all__ = ["uncertainty_herding"]


def uncertainty_herding(pool: Pool, n: int) -> Stage:
    """Pick the rows that best cover the rows a model is unsure of (Bae et al. 2025).

    As `max_herding`, with each row weighted by one minus the margin between its two most likely
    classes. Probabilities should be calibrated; the width does not change with the budget.
    """
    unsure = margin_uncertainty(pool.needs_probabilities("uncertainty-herding"))
    return herding(pool, n, unsure)


STRATEGY = Strategy(
    uncertainty_herding,
    reason=lambda pick: f"{pick.represented()}; model torn here between {pick.likeliest}",
)

"""Why a round picked a picture, in one short sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.selection import NEED_PROBABILITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.selection import Picks

__all__ = ["reasons_of"]


def reasons_of(
    picks: Picks, classes: NDArray[np.str_], probabilities: NDArray[np.float64] | None
) -> list[str]:
    """Return the reason of each pick.

    Args:
        picks: the picks.
        classes: `[K]` names.
        probabilities: `[n, K]` of the picks; None where there was no model.
    """
    reasons = []
    for place, kind in enumerate(picks.kinds):
        if probabilities is not None and kind in NEED_PROBABILITIES:
            second, first = np.argsort(probabilities[place], kind="stable")[-2:]
            reasons.append(
                f"model unsure between {classes[first]} ({probabilities[place, first]:.2f}) "
                f"and {classes[second]} ({probabilities[place, second]:.2f})"
            )
        else:
            reasons.append(_without_model(picks, place))
    return reasons


def _without_model(picks: Picks, place: int) -> str:
    kind, score, stands_for = picks.kinds[place], picks.scores[place], int(picks.represents[place])
    if kind == "random":
        return "picked at random"
    if kind == "k-center":
        note = "; an outlier" if picks.outlier[place] else ""
        return f"farthest from all picked before it, cosine distance {score:.3f}{note}"
    if size := int(picks.cluster_sizes[place]):
        return f"stands for a group of {size:,} pictures" if size > 1 else "a group of its own"
    if stands_for > 1:
        return f"represents {stands_for:,} pictures"
    return "represents itself only" if stands_for else "like other picks; fills the number asked"

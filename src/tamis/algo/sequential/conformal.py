"""Conformal p-values: the rank of each score among all that came before, the reference first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bag", "bag_of", "score_edges"]

_LEVELS: Final = 128
_BEYOND: Final = 32
"""Levels on either side of what was seen, each farther out."""


@dataclass
class Bag:
    """Scores of the reference and of all that has joined it, as counts between fixed edges.

    If the rows are exchangeable, the p-values of one score are uniform and independent (Vovk,
    Gammerman and Shafer 2005, theorem 8.1). That holds however small the reference is and however
    long the stream, because each row joins the bag after it is ranked: a bettor that compares with
    the same finite reference for ever finds out in time how it differs from where it was drawn.
    Memory is that of the counts, however many rows join.

    Attributes:
        edges: `[S, L]` ascending edges of each score.
        counts: `[S, L + 2]` int64 scores between them; the last are unknown ones.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]

    def places(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return `[N, S]` between which edges the scores `[N, S]` lie."""
        places = np.empty(scores.shape, np.int64)
        for column in range(scores.shape[1]):
            places[:, column] = np.searchsorted(self.edges[column], scores[:, column], side="right")
        places[np.isnan(scores)] = self.counts.shape[1] - 1
        return places

    def ranked(self, places: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `[T, S]` p-values of new rows in their order, each of which then joins the bag.

        The share of scores in the bag, its own among them, that are higher, and a random part of
        those that are equal: small where a score is high. An unknown score ranks anywhere, and so
        is no evidence. O(T² S + S L).

        Args:
            places: `[T, S]` between which edges the scores lie, as `places` gives them.
            chance: `[T, S]` uniform numbers in [0, 1).
        """
        shown = places.T
        column = np.arange(len(shown))[:, None]
        upto = np.cumsum(self.counts, axis=1)
        known = shown < self.counts.shape[1] - 1
        before = np.tri(len(places), k=-1, dtype=np.bool_) & known[:, None, :]
        higher = (shown[:, None, :] > shown[:, :, None]) & before
        equal = (shown[:, None, :] == shown[:, :, None]) & before
        total = upto[:, -2:-1]
        n = total + before.sum(axis=2) + 1
        above = total - upto[column, shown] + higher.sum(axis=2)
        same = self.counts[column, shown] + equal.sum(axis=2) + 1
        np.add.at(self.counts, (column, shown), 1)
        p: NDArray[np.float64] = np.where(known, (above + chance.T * same) / n, chance.T).T
        return p


def score_edges(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `[S, L]` edges of scores `[N, S]` of rows that never join the bag.

    Quantiles of the known scores, and beyond them edges that lie ever farther out. Which edges
    there are has no influence on whether p-values are valid, only on how finely they rank.
    """
    out = np.geomspace(0.02, 50, _BEYOND)
    found = []
    for column in scores.T:
        known = column[np.isfinite(column)]
        if known.size == 0:
            known = np.zeros(1)
        inner = np.quantile(known, np.linspace(0, 1, _LEVELS))
        width = max(float(np.ptp(known)), 1e-12 * max(1.0, float(np.abs(known).max())))
        found.append(np.concatenate([inner[0] - width * out[::-1], inner, inner[-1] + width * out]))
    return np.array(found).reshape(scores.shape[1], _LEVELS + 2 * _BEYOND)


def bag_of(edges: NDArray[np.float64], scores: NDArray[np.float64]) -> Bag:
    """Return a bag that holds the scores `[N, S]` of a reference.

    Raises:
        UsageError: there is no row.
    """
    if len(scores) == 0:
        raise UsageError("a bag without a reference ranks nothing: give at least one row")
    bag = Bag(edges, np.zeros((len(edges), edges.shape[1] + 2), np.int64))
    places = bag.places(scores)
    for column in range(scores.shape[1]):
        bag.counts[column] = np.bincount(places[:, column], minlength=bag.counts.shape[1])
    return bag

"""How well a selection covers all rows, compared with a random selection of the same size."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.exact_neighbors import exact_search

if TYPE_CHECKING:
    from tamis.types import Indices, Vectors

__all__ = ["Coverage", "CoverageFigures", "compare_with_random"]

_FEWEST_DRAWS, _MOST_DRAWS, _DRAWN_PICKS = 3, 30, 1000
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class CoverageFigures:
    """How close all rows are to the picked rows.

    Attributes:
        mean_similarity: mean cosine similarity of a row to the nearest picked row.
        share_within: share of rows within the radius of a picked row.
        farthest: largest cosine distance from any row to its nearest picked row.
    """

    mean_similarity: float
    share_within: float
    farthest: float


@dataclass(frozen=True)
class Coverage:
    """The coverage of the picks and of random picks.

    Attributes:
        radius: cosine distance within which random picks cover half of the rows.
        picked: figures of the picks.
        random: mean figures over random draws of as many rows: 30 draws of few rows, 3 of many.
        rows: how many rows were measured: all, or a random 50,000.
    """

    radius: float
    picked: CoverageFigures
    random: CoverageFigures
    rows: int


def compare_with_random(
    X: Vectors, picked: Indices, *, candidates: Indices, chosen: Indices, rng: np.random.Generator
) -> Coverage | None:
    """Measure how well `picked` and `chosen` rows cover all rows, and the same for random picks.

    O((n + max(1000, 3 n)) N D) time with N at most 50,000; O(N) memory.

    Args:
        X: `[N, D]` float32 unit vectors.
        picked: `[n]` rows picked.
        candidates: `[C]` rows that random picks are drawn from.
        chosen: `[L]` rows that count as picked in both cases.
        rng: draws the random picks and the sample of rows.

    Returns:
        The figures, or None if there are no rows, no picks or no candidates.
    """
    if X.shape[0] == 0 or picked.size + chosen.size == 0:
        return None
    sample = X
    if X.shape[0] > _MOST_ROWS:
        sample = X[np.sort(rng.choice(X.shape[0], _MOST_ROWS, replace=False))]
    # Small random selections vary most, and are cheapest to repeat.
    draws = int(np.clip(_DRAWN_PICKS // max(picked.size, 1), _FEWEST_DRAWS, _MOST_DRAWS))
    ours = _nearest(sample, X[np.concatenate([chosen, picked])])
    drawn = [
        _nearest(
            sample, X[np.concatenate([chosen, rng.choice(candidates, picked.size, replace=False)])]
        )
        for _ in range(draws)
    ]
    radius = max(0.0, 1.0 - float(np.median(np.concatenate(drawn))))
    theirs = [_figures(draw, radius) for draw in drawn]
    mean = CoverageFigures(
        fmean(figures.mean_similarity for figures in theirs),
        fmean(figures.share_within for figures in theirs),
        fmean(figures.farthest for figures in theirs),
    )
    return Coverage(radius, _figures(ours, radius), mean, sample.shape[0])


def _nearest(sample: Vectors, centers: Vectors) -> Vectors:
    return np.minimum(exact_search(sample, centers, 1)[1][:, 0], 1.0)


def _figures(similarity: Vectors, radius: float) -> CoverageFigures:
    return CoverageFigures(
        mean_similarity=float(similarity.mean(dtype=np.float64)),
        share_within=float(np.mean(1.0 - similarity <= radius + 1e-6)),
        farthest=max(0.0, 1.0 - float(similarity.min())),
    )

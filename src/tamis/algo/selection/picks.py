"""The result of a selection: the rows picked, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.algo.coverage import Coverage
    from tamis.types import Indices

__all__ = ["Picks"]


@dataclass(frozen=True)
class Picks:
    """The rows picked, in the order in which they were picked, and why.

    Attributes:
        indices: `[n]` int64 row numbers, distinct; `include` rows come first.
        kinds: `[n]` the strategy that picked each row, or `include`.
        scores: `[n]` float64, the strategy's score; see its file in `tamis.algo.strategies`.
        clusters: `[n]` int64, the cluster that a pick represents; -1 if its strategy has none.
        cluster_sizes: `[n]` int64, number of rows of that cluster; 0 if there is none.
        classes: `[n, 2]` int64, the most likely and second class of each pick; None without
            probabilities.
        represents: `[n]` int64, how many rows have the pick as their nearest pick, itself included.
        distances: `[n]` float64, cosine distance to the nearest other pick or `must` row; 2 if
            there is none.
        outlier: `[n]` bool, whether the pick is an outlier among all rows.
        outliers: number of outliers among all rows, estimated from a sample if `graph_method` is
            `sample`.
        coverage: coverage by the picks and by random picks; None if nothing was picked.
        graph_method: how outliers were determined: `exact`, `ivf` or `sample`.
        graph_recall: measured recall of the neighbors used; 1 if exact.
        parts: number of random parts that the rows were divided into; 1 if they were not.
    """

    indices: Indices
    kinds: tuple[str, ...]
    scores: NDArray[np.float64]
    clusters: Indices
    cluster_sizes: Indices
    classes: Indices | None
    represents: Indices
    distances: NDArray[np.float64]
    outlier: NDArray[np.bool_]
    outliers: int
    coverage: Coverage | None
    graph_method: str
    graph_recall: float
    parts: int

    @property
    def outliers_taken(self) -> int:
        """The number of outliers among the picks."""
        return int(self.outlier.sum())

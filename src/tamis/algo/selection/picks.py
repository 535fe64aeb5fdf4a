"""The rows picked, and why."""

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
        indices: `[n]` int64 row numbers, no row twice; those to be included come first.
        kinds: `[n]` the strategy that picked each, or `include`.
        scores: `[n]` float64, by what the strategy picked; see `tamis.algo.selection.strategies`.
        clusters: `[n]` int64, the cluster that a pick stands for, -1 where its strategy has none.
        cluster_sizes: `[n]` int64, how many rows that cluster has, 0 where there is none.
        classes: `[n, 2]` int64, the likeliest and the second class of each pick; None without
            probabilities.
        represents: `[n]` int64, how many rows have the pick as their nearest pick, itself included.
        distances: `[n]` float64, cosine distance to the nearest other pick or row that had to be
            there; 2 where there is none.
        outlier: `[n]` bool, whether the pick is an outlier among all rows.
        outliers: how many outliers there are among all rows, estimated from a sample where
            `graph_method` is `sample`.
        coverage: the picks' coverage beside random picks'; None where nothing was picked.
        graph_method: the neighbor kernel that told the outliers, `exact`, `ivf` or `sample`.
        graph_recall: its recall, measured; 1 if exact.
        parts: into how many random parts the rows were divided, 1 if they were not.
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
        """How many outliers are among the picks."""
        return int(self.outlier.sum())

"""Two-sample tests: whether a batch of vectors is drawn from where a reference is.

`pool` joins both sides; each test takes the pool. p-values are of permutations that deal whole
units, so that correlated rows count once, and whatever a test fits it fits on both sides together
or anew for each permutation.
"""

from __future__ import annotations

from tamis.algo.two_sample.block_length import block_length, time_order_blocks
from tamis.algo.two_sample.classifier import ClassifierStatistic, classifier_test
from tamis.algo.two_sample.cluster_shares import (
    ShareStatistic,
    chi_squared_test,
    population_stability,
    unit_counts,
)
from tamis.algo.two_sample.energy import EnergyStatistic, energy_test
from tamis.algo.two_sample.frechet import frechet_distance, frechet_distances
from tamis.algo.two_sample.kolmogorov_smirnov import ColumnTests, GapStatistic, ks_test
from tamis.algo.two_sample.mmd import MmdStatistic, mmd_test
from tamis.algo.two_sample.nearest_neighbors import NeighborStatistic, neighbor_test
from tamis.algo.two_sample.permutation import (
    Deals,
    Statistic,
    TestResult,
    deals,
    evaluated,
    p_values,
    tested,
)
from tamis.algo.two_sample.pooled import Pooled, pool
from tamis.algo.two_sample.split_mmd import Discrepancy, discrepancies

__all__ = [
    "ClassifierStatistic",
    "ColumnTests",
    "Deals",
    "Discrepancy",
    "EnergyStatistic",
    "GapStatistic",
    "MmdStatistic",
    "NeighborStatistic",
    "Pooled",
    "ShareStatistic",
    "Statistic",
    "TestResult",
    "block_length",
    "chi_squared_test",
    "classifier_test",
    "deals",
    "discrepancies",
    "energy_test",
    "evaluated",
    "frechet_distance",
    "frechet_distances",
    "ks_test",
    "mmd_test",
    "neighbor_test",
    "p_values",
    "pool",
    "population_stability",
    "tested",
    "time_order_blocks",
    "unit_counts",
]

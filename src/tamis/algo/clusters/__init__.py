"""Clusters to look at: their number, stability, names, levels, and where new rows belong."""

from tamis.algo.clusters.clustering import (
    Clustering,
    TriedNumber,
    assign_clusters,
    cluster,
    describe_clusters,
)
from tamis.algo.clusters.density import DensityMethod, cluster_by_density
from tamis.algo.clusters.levels import Levels, merge_clusters, split_clusters, zoom_levels
from tamis.algo.clusters.naming import Trait, name_clusters, scored_traits, shared_traits
from tamis.algo.clusters.rand_index import adjusted_rand
from tamis.algo.clusters.stability import Stability, cluster_stability

__all__ = [
    "Clustering",
    "DensityMethod",
    "Levels",
    "Stability",
    "Trait",
    "TriedNumber",
    "adjusted_rand",
    "assign_clusters",
    "cluster",
    "cluster_by_density",
    "cluster_stability",
    "describe_clusters",
    "merge_clusters",
    "name_clusters",
    "scored_traits",
    "shared_traits",
    "split_clusters",
    "zoom_levels",
]

"""Nearest neighbors and near pairs by cosine: one exact kernel, and an inverted file at scale.

Everything that needs neighbors uses it: duplicates, leaks, selection, labels and drift.
"""

from tamis.algo.neighbors.graph import KnnGraph, knn_graph, knn_search
from tamis.algo.neighbors.inverted_file import Method
from tamis.algo.neighbors.pairs import Pairs, pairs_over

__all__ = ["KnnGraph", "Method", "Pairs", "knn_graph", "knn_search", "pairs_over"]

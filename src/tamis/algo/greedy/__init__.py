"""Greedy maximization of coverage: kernels, lazy gains, random parts."""

from tamis.algo.greedy.kernel import COSINE, Kernel, typical_width
from tamis.algo.greedy.lazy import GreedyPicks, lazy_greedy, stochastic_greedy
from tamis.algo.greedy.parts import Solver, pick_in_parts
from tamis.algo.greedy.represented import AllSimilarities, NearSimilarities, Similarities

__all__ = [
    "COSINE",
    "AllSimilarities",
    "GreedyPicks",
    "Kernel",
    "NearSimilarities",
    "Similarities",
    "Solver",
    "lazy_greedy",
    "pick_in_parts",
    "stochastic_greedy",
    "typical_width",
]

"""The streaming filter: keep a vector only if it differs from all kept before."""

from tamis.algo.sieve.gate import Gate
from tamis.algo.sieve.inverted_file import IndexMisses
from tamis.algo.sieve.offers import Verdict
from tamis.algo.sieve.rules import RateThreshold
from tamis.algo.sieve.sieve import Sieve

__all__ = ["Gate", "IndexMisses", "RateThreshold", "Sieve", "Verdict"]

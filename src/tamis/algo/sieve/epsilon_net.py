"""Incremental ε-nets, the rule of the sieve: one net for all streams, or one per stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.sieve.block import BlockSearch
from tamis.algo.sieve.exact_search import NOTHING, chord, cosine_of
from tamis.algo.sieve.inverted_file import IndexMisses, InvertedFile
from tamis.algo.sieve.kept import KeptVectors
from tamis.algo.sieve.offers import Offers, Verdict
from tamis.algo.sieve.rules import Rules
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["ALL_STREAMS", "INDEX_FROM", "EpsilonNet", "StreamNets"]

INDEX_FROM = 32_768
"""From this many kept vectors on, an index is queried first; below, comparing all is as fast."""

_BLOCK_ROWS = 256
_LEAST_DISTANCE = 1e-6  # first distance of doubling if only equal vectors cover each other
_TAIL_SHARE = 0.25  # share of vectors outside the index at which it is rebuilt


class EpsilonNet:
    """Kept vectors, pairwise less similar than `threshold`, that cover everything offered.

    Attributes:
        threshold: cosine similarity at which one vector covers another; bounded memory lowers it.
        kept: the kept vectors.
        misses: how often the index missed a cover.
        clock: the latest time seen, in seconds.
        doublings: how often bounded memory doubled the distance.
    """

    def __init__(self, dim: int, threshold: float, rules: Rules) -> None:
        self.threshold = threshold
        self.kept = KeptVectors(dim)
        self.misses = IndexMisses()
        self.clock = -np.inf
        self.doublings = 0
        self._rules = rules
        self._index: InvertedFile | None = None

    def offer(self, offers: Offers) -> list[Verdict]:
        """Keep or drop each vector in turn."""
        verdicts: list[Verdict] = []
        while len(verdicts) < len(offers):
            start = len(verdicts)
            self.forget(float(offers.times[start]))
            self._index_if_large()
            stop = min(start + _BLOCK_ROWS, len(offers))
            stop = start + self._before_next_forgotten(offers.times[start:stop])
            verdicts += self._offer_block(offers.part(start, stop))
        return verdicts

    def forget(self, now: float) -> None:
        """Remove vectors that were not seen within the window."""
        self.clock = max(self.clock, now)
        if self._rules.window is None:
            return
        old = self.kept.alive & (self.clock - self.kept.seen > self._rules.window)
        if old.any():
            self.kept.remove(np.flatnonzero(old))
            if self.kept.should_close_gaps:
                self.kept.rearrange(self.kept.by_age())
                self._index = None

    def see(self, key: str, now: float) -> bool:
        """Record that the vector of this key covers something now; return whether it is kept."""
        self.forget(now)
        position = self.kept.by_key.get(key)
        if position is not None:
            self.kept.cover(position, 0.0, self.clock)
        return position is not None

    def admit(self, offers: Offers) -> None:
        """Keep all vectors unconditionally; their times need not be in order."""
        for row, key in enumerate(offers.keys):
            self.kept.append(
                offers.vectors[row], key, float(offers.times[row]), float(offers.reach[row])
            )
            self._thin()
        self.forget(float(offers.times.max(initial=-np.inf)))

    def absorb(self, other: EpsilonNet, prefix: str) -> None:
        """Add the vectors of another net that this one does not cover, under prefixed keys."""
        self.forget(other.clock)
        rows = other.kept.by_age()
        if self._rules.window is not None:
            rows = rows[self.clock - other.kept.seen[rows] <= self._rules.window]
        offers = Offers.of(other.kept, rows, prefix)
        done = 0
        while done < len(offers):
            self._index_if_large()
            done += len(self._offer_block(offers.part(done, done + _BLOCK_ROWS)))

    def _before_next_forgotten(self, times: NDArray[np.float64]) -> int:
        """Return how many of the next offers come before any vector can expire."""
        if self._rules.window is None:
            return len(times)
        oldest = self.kept.seen[self.kept.alive].min(initial=times[0])
        return int(np.count_nonzero(times - oldest <= self._rules.window))

    def _index_if_large(self) -> None:
        if len(self.kept) < INDEX_FROM:
            self._index = None
        elif self._indexing_is_due():
            rng = np.random.default_rng([self._rules.seed, len(self.kept)])
            self._index = InvertedFile(self.kept, self.misses, rng)

    def _indexing_is_due(self) -> bool:
        if self._index is None:
            return len(self.kept) >= INDEX_FROM
        return self.kept.size - self._index.size > _TAIL_SHARE * self._index.size

    def _offer_block(self, offers: Offers) -> list[Verdict]:
        """Decide on the first vectors of a block, up to the next change of structure."""
        search = BlockSearch(
            offers.vectors, self.kept, self.threshold, self._index, self._rules.confirm
        )
        verdicts: list[Verdict] = []
        for row, key in enumerate(offers.keys):
            time, reach = float(offers.times[row]), float(offers.reach[row])
            position, similarity = search.nearest(row)
            if position != NOTHING and similarity >= self.threshold:
                self.kept.cover(position, chord(similarity) + reach, time)
                keeper = self.kept.names[position]
                verdicts.append(Verdict(kept=False, key=key, keeper=keeper, similarity=similarity))
                continue
            new = self.kept.append(offers.vectors[row], key, time, reach)
            merged = self._thin()
            keeper = merged.pop(key, key)
            verdicts.append(Verdict(keeper == key, key, keeper, similarity, merged))
            if merged or keeper != key or self._indexing_is_due():
                break
            search.also_consider(new, after=row)
        return verdicts

    def _thin(self) -> dict[str, str]:
        """Double the distance until the net fits in memory; map removed keys to their keepers.

        Charikar, Chekuri, Feder, Motwani, Incremental clustering and dynamic information
        retrieval, STOC 1997, section 3: the kept vectors are thinned to a net of the new distance.
        """
        merged: dict[str, str] = {}
        while self._rules.max_kept is not None and len(self.kept) > self._rules.max_kept:
            self.threshold = cosine_of(max(2.0 * chord(self.threshold), _LEAST_DISTANCE))
            self.doublings += 1
            thinned = EpsilonNet(self.kept.dim, self.threshold, Rules(seed=self._rules.seed))
            verdicts = thinned.offer(Offers.of(self.kept, self.kept.by_age()))
            gone = {verdict.key: verdict.keeper for verdict in verdicts if not verdict.kept}
            merged = {key: gone.get(keeper, keeper) for key, keeper in merged.items()} | gone
            self.kept = thinned.kept
            self._index = None
        return merged


ALL_STREAMS = ""
"""The name of the one net that all streams share."""


class StreamNets:
    """StreamNets by the name of their stream.

    Attributes:
        threshold: cosine similarity that new nets start with.
        rules: the rules of each net.
        by_stream: the nets there are so far.
    """

    def __init__(self, threshold: float, rules: Rules) -> None:
        self.threshold = threshold
        self.rules = rules
        self.by_stream: dict[str, EpsilonNet] = {}

    def find(self, stream: str) -> EpsilonNet | None:
        """Return the net of a stream, or None if nothing was offered to it."""
        return self.by_stream.get(self._name(stream))

    def get(self, stream: str, dim: int) -> EpsilonNet:
        """Return the net of a stream, creating it if needed.

        Raises:
            UsageError: earlier vectors had another dimension.
        """
        known = next(iter(self.by_stream.values()), None)
        if known is not None and known.kept.dim != dim:
            raise UsageError(
                f"the vectors have {dim} dimensions and those before them {known.kept.dim}: "
                "a sieve holds vectors of one encoder"
            )
        name = self._name(stream)
        if name not in self.by_stream:
            self.by_stream[name] = EpsilonNet(dim, self.threshold, self.rules)
        return self.by_stream[name]

    def merge(self, other: StreamNets, prefix: str) -> None:
        """Add the vectors of other nets that these nets do not cover.

        Raises:
            UsageError: thresholds, windows, sharing or dimensions differ, or a key is in both.
        """
        for name, one, two in (
            ("threshold", self.threshold, other.threshold),
            ("window", self.rules.window, other.rules.window),
            ("shared", self.rules.shared, other.rules.shared),
        ):
            if one != two:
                raise UsageError(f"the sieves differ in {name}: {one} and {two}; merge equal ones")
        for stream, net in other.by_stream.items():
            mine = self.get(stream, net.kept.dim)
            twice = [key for key in net.kept.by_key if prefix + key in mine.kept]
            if twice:
                raise UsageError(
                    f"both sieves keep a vector of the key {prefix + twice[0]!r}; give a prefix"
                )
        for stream, net in other.by_stream.items():
            self.by_stream[stream].absorb(net, prefix)

    def misses(self) -> IndexMisses:
        """Return the index misses of all nets together."""
        total = IndexMisses()
        for net in self.by_stream.values():
            total.confirmed += net.misses.confirmed
            total.missed += net.misses.missed
            total.unconfirmed += net.misses.unconfirmed
        return total

    def _name(self, stream: str) -> str:
        return ALL_STREAMS if self.rules.shared else stream

"""The sieve: keep a vector only if it differs from all kept before."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.sieve.epsilon_net import ALL_STREAMS, StreamNets
from tamis.algo.sieve.exact_search import cosine_of
from tamis.algo.sieve.offers import Offers
from tamis.algo.sieve.rules import Rules, checked_threshold
from tamis.algo.sieve.state import pack, read_state, write_state
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    from tamis.algo.sieve.inverted_file import IndexMisses
    from tamis.algo.sieve.offers import Verdict
    from tamis.types import Vectors

__all__ = ["Sieve"]


class Sieve:
    """Keeps a vector only if no kept vector is at least `threshold` similar to it.

    After any number of offers, for any order, batching and machine:

    - it covers: every dropped vector is at least `threshold` similar to a kept one;
    - it packs: every two kept vectors are less similar than `threshold`.

    `max_kept` bounds memory: when more would be kept, the distance (Euclidean, between unit
    vectors) at which vectors count as new doubles, and the kept vectors are thinned. Then every
    vector ever offered is within twice the current distance of a kept one. That is at most 8 times
    the distance that an optimal set of `max_kept` vectors would need, or less than the initial
    distance (Charikar et al., STOC 1997, section 3). `coverage` reports the actual value.

    With `window`, a kept vector is forgotten if nothing similar was offered for that long, so
    that something that returns later is new again.

    An offer costs O(M D) with M kept vectors. From 32,768 on, an index proposes covers at a
    fraction of that; if it finds none, everything is compared, so both guarantees hold. The keeper
    that it names may not be the nearest, and with a window it is the named one that stays.

    Args:
        threshold: cosine similarity in [-1, 1].
        max_kept: maximum number of vectors kept per stream; None for unbounded.
        window: seconds; None never forgets.
        shared: whether all streams share one set of kept vectors, or each has its own.
        confirm: share in (0, 1] of the vectors without a cover in the index that are compared with
            everything. Below 1, some kept vectors may be covered by others; `index_misses` counts
            them and gives a bound. Dropped vectors are always covered.
        seed: seed of the index.

    Raises:
        UsageError: an argument is out of range.

    Example:
        >>> sieve = Sieve(threshold=0.9)
        >>> bool(sieve.offer([1.0, 0.0], key="first"))
        True
        >>> verdict = sieve.offer([0.96, 0.28], key="second")
        >>> verdict.kept, verdict.keeper, round(verdict.similarity, 2)
        (False, 'first', 0.96)
    """

    def __init__(
        self,
        threshold: float,
        *,
        max_kept: int | None = None,
        window: float | None = None,
        shared: bool = True,
        confirm: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.seen = 0
        self.rules = Rules(max_kept, window, shared, confirm, seed)
        self._nets = StreamNets(checked_threshold(threshold), self.rules)

    def offer(
        self,
        vector: ArrayLike,
        *,
        key: str | None = None,
        time: float | None = None,
        stream: str = ALL_STREAMS,
    ) -> Verdict:
        """Keep one vector or drop it.

        Args:
            vector: `[D]`, of length 1.
            key: its name, not in use by a kept vector; by default its number among all offers.
            time: seconds, on any clock; required with a window. An earlier time than the last one
                counts as the last.
            stream: where it comes from; ignored in a shared sieve.

        Returns:
            A verdict that is true if the vector is kept, and otherwise names what covers it.

        Raises:
            UsageError: the vector is not finite, not of length 1 or of another dimension than
                those before; the key is in use; or there is a window and no time.
        """
        keys = None if key is None else [key]
        times = None if time is None else [time]
        rows = np.asarray(vector)[np.newaxis]
        return self.offer_many(rows, keys=keys, times=times, stream=stream)[0]

    def offer_many(
        self,
        X: NDArray[Any],
        *,
        keys: Sequence[str] | None = None,
        times: ArrayLike | None = None,
        stream: str = ALL_STREAMS,
    ) -> list[Verdict]:
        """Keep or drop each of `[B, D]` vectors in turn; like `offer` for each, but faster."""
        vectors = unit_vectors(X)
        net = self._nets.get(stream, vectors.shape[1])
        if keys is None:
            keys = [str(number) for number in range(self.seen, self.seen + vectors.shape[0])]
        offers = Offers.checked(vectors, keys, times, net.kept, self.rules)
        offers.times[:] = np.maximum.accumulate(np.maximum(offers.times, net.clock))
        self.seen += len(keys)
        return net.offer(offers)

    def admit(
        self,
        X: NDArray[Any],
        *,
        keys: Sequence[str],
        times: ArrayLike | None = None,
        stream: str = ALL_STREAMS,
    ) -> None:
        """Keep vectors unconditionally, such as those that an earlier run kept.

        A new sieve with the same options and current threshold decides the same as an old one
        after admitting the old one's kept vectors in their order.
        """
        vectors = unit_vectors(X)
        net = self._nets.get(stream, vectors.shape[1])
        net.admit(Offers.checked(vectors, keys, times, net.kept, self.rules))

    def see(self, key: str, *, time: float, stream: str = ALL_STREAMS) -> bool:
        """Record that a kept vector covers something at this time that was not offered.

        Returns:
            Whether the vector of this key is still kept at this time.
        """
        net = self._nets.find(stream)
        return net is not None and net.see(key, time)

    @property
    def threshold(self) -> float:
        """Cosine similarity at which one vector covers another; bounded memory may lower it.

        It can be set; with `max_kept` it can only be lowered. Dropped vectors stay covered at the
        threshold that was in force when they were offered.
        """
        nets = self._nets.by_stream.values()
        return min((net.threshold for net in nets), default=self._nets.threshold)

    @threshold.setter
    def threshold(self, value: float) -> None:
        if self.rules.max_kept is not None and value > self.threshold:
            raise UsageError(f"with max_kept the threshold falls only: {value} is above it")
        self._nets.threshold = checked_threshold(value)
        for net in self._nets.by_stream.values():
            net.threshold = self._nets.threshold

    @property
    def coverage(self) -> float:
        """The lowest similarity of a dropped vector to the kept one that covers it.

        Exact without `max_kept` and `merge`, otherwise a lower bound; 1 before any was dropped.
        Forgotten vectors do not count.
        """
        kept = [net.kept for net in self._nets.by_stream.values()]
        reach = (float(one.reach[one.alive].max(initial=0.0)) for one in kept)
        return cosine_of(max(reach, default=0.0))

    @property
    def index_misses(self) -> IndexMisses:
        """How often the index missed a cover, over all streams."""
        return self._nets.misses()

    def __len__(self) -> int:
        return sum(len(net.kept) for net in self._nets.by_stream.values())

    def keys(self, stream: str = ALL_STREAMS) -> list[str]:
        """Return the keys of the kept vectors, oldest first."""
        net = self._nets.find(stream)
        return [] if net is None else [net.kept.names[row] for row in net.kept.by_age()]

    def vectors(self, stream: str = ALL_STREAMS) -> Vectors:
        """Return the kept vectors `[M, D]`, oldest first."""
        net = self._nets.find(stream)
        if net is None:
            return np.empty((0, 0), dtype=np.float32)
        return net.kept.vectors[net.kept.by_age()]

    def seen_at(self, stream: str = ALL_STREAMS) -> NDArray[np.float64]:
        """Return when each kept vector was last seen, `[M]` seconds, oldest kept first."""
        net = self._nets.find(stream)
        return np.empty(0) if net is None else net.kept.seen[net.kept.by_age()]

    def keeps(self, key: str, stream: str = ALL_STREAMS) -> bool:
        """Return whether the vector of this key is kept now."""
        net = self._nets.find(stream)
        return net is not None and key in net.kept

    def merge(self, other: Sieve, *, prefix: str = "") -> None:
        """Add the vectors of another sieve that this one does not cover, e.g. of another camera.

        Everything offered to either stays covered, though up to twice as far away (see
        `coverage`): what the other dropped is covered by what it kept, which this one covers.

        Args:
            other: a sieve with the same threshold, window and sharing; it is not changed.
            prefix: prepended to the other's keys.

        Raises:
            UsageError: options or dimensions differ, or a key is in both.
        """
        self._nets.merge(other._nets, prefix)
        self.seen += other.seen

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole state to a file, atomically.

        Raises:
            StorageError: writing failed; an existing file is unchanged.
        """
        about = {"seen": self.seen, "threshold": self._nets.threshold, "rules": asdict(self.rules)}
        write_state(path, pack(about, self._nets.by_stream))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Sieve:
        """Read a state that `save` wrote and continue from it.

        The index is rebuilt, so it may name another keeper for a covered vector or, with
        `confirm` below 1, miss other covers.

        Raises:
            UsageError: the file is not a sieve, is damaged, or was written by a later version.
        """
        about, rules, nets = read_state(path)
        sieve = cls(about["threshold"], **asdict(rules))
        sieve.seen, sieve._nets.by_stream = about["seen"], nets
        return sieve

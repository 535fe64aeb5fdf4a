"""The sieve: keep a vector only if it differs from all that were kept before."""

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
    """Keeps a vector only if no kept vector is as similar to it as `threshold`.

    What holds after any number of offers, whatever their order, batching or the machine:

    - it covers: every dropped vector is at least `threshold` similar to a kept one;
    - it packs: every two kept vectors are less similar than `threshold`.

    With `max_kept` the memory is bounded: when more would be kept, the distance (Euclidean, of
    unit vectors) at which vectors count as new doubles and what is kept is thinned. Then every
    vector ever offered is within twice the present distance of a kept one, which is at most 8
    times the distance that the best possible `max_kept` vectors would need, or less than the first
    distance (Charikar et al., STOC 1997, section 3); `coverage` says what holds in fact.

    With `window` a kept vector is forgotten when nothing like it was offered for so long, so that
    what comes back later is news.

    An offer costs O(M D) with M kept. From 32,768 kept on an index proposes covers at a fraction
    of that; what it finds no cover for is compared with everything, so both guarantees stand. The
    keeper that it names may not be the nearest, and with a window that one lives on.

    Args:
        threshold: cosine similarity in [-1, 1].
        max_kept: how many vectors a stream keeps at most; None is unbounded.
        window: seconds; None never forgets.
        shared: one set of kept vectors for all streams, or one for each.
        confirm: share in (0, 1] of what the index finds no cover for that is compared with
            everything. Under 1, kept vectors may be covered by others: `index_misses` counts and
            bounds how many. Dropped ones are always covered.
        seed: for the index.

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
            key: its name, not yet among the kept; its number among all offers if not given.
            time: seconds, on any clock; needed with a window. Times that fall count as no later.
            stream: where it comes from; of no effect in a shared sieve.

        Returns:
            A verdict that is true if the vector is kept, and names what covers it if not.

        Raises:
            UsageError: not a finite vector of length 1 and of the dimension of those before, a
                key that is in use, or no time although there is a window.
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
        """Keep or drop each of `[B, D]` vectors in turn; as `offer` for each, but faster."""
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
        """Count vectors as kept without asking, such as those that an earlier run kept.

        The kept vectors of a sieve, admitted in their order to a new one of the same options and
        present threshold, bring it to decide the same.
        """
        vectors = unit_vectors(X)
        net = self._nets.get(stream, vectors.shape[1])
        net.admit(Offers.checked(vectors, keys, times, net.kept, self.rules))

    def see(self, key: str, *, time: float, stream: str = ALL_STREAMS) -> bool:
        """Note that a kept vector covers something at this time that was not offered.

        Returns:
            Whether the vector of this key is kept still, at this time.
        """
        net = self._nets.find(stream)
        return net is not None and net.see(key, time)

    @property
    def threshold(self) -> float:
        """Cosine similarity at which one vector covers another; bounded memory may lower it.

        May be set, with `max_kept` only to less: dropped vectors stay covered at the threshold
        that was in force when they were offered.
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
        """A dropped vector is at least this similar to the kept one that stands for it.

        Exact without `max_kept` and `merge`, else a lower bound; 1 before any was dropped. What
        is forgotten counts no more.
        """
        kept = [net.kept for net in self._nets.by_stream.values()]
        reach = (float(one.reach[one.alive].max(initial=0.0)) for one in kept)
        return cosine_of(max(reach, default=0.0))

    @property
    def index_misses(self) -> IndexMisses:
        """How often the index took a covered vector for new, over all streams."""
        return self._nets.misses()

    def __len__(self) -> int:
        return sum(len(net.kept) for net in self._nets.by_stream.values())

    def keys(self, stream: str = ALL_STREAMS) -> list[str]:
        """Return the keys of what is kept, oldest first."""
        net = self._nets.find(stream)
        return [] if net is None else [net.kept.names[row] for row in net.kept.by_age()]

    def vectors(self, stream: str = ALL_STREAMS) -> Vectors:
        """Return the kept vectors `[M, D]`, oldest first."""
        net = self._nets.find(stream)
        if net is None:
            return np.empty((0, 0), dtype=np.float32)
        return net.kept.vectors[net.kept.by_age()]

    def seen_at(self, stream: str = ALL_STREAMS) -> NDArray[np.float64]:
        """Return when each of what is kept was last seen, `[M]` seconds, oldest kept first."""
        net = self._nets.find(stream)
        return np.empty(0) if net is None else net.kept.seen[net.kept.by_age()]

    def keeps(self, key: str, stream: str = ALL_STREAMS) -> bool:
        """Tell whether the vector of this key is kept now."""
        net = self._nets.find(stream)
        return net is not None and key in net.kept

    def merge(self, other: Sieve, *, prefix: str = "") -> None:
        """Take over what another sieve keeps and this one does not cover, e.g. of another camera.

        Everything either was offered stays covered, though up to twice as far away, as `coverage`
        tells: what the other dropped is covered by what it kept, and that by what this one keeps.

        Args:
            other: a sieve of the same threshold, window and sharing; it is left as it is.
            prefix: put before the other's keys.

        Raises:
            UsageError: options or dimensions differ, or a key is in both.
        """
        self._nets.merge(other._nets, prefix)
        self.seen += other.seen

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole state to a file, replacing it in one step.

        Raises:
            StorageError: the disk refuses; a file that was there is left as it was.
        """
        about = {"seen": self.seen, "threshold": self._nets.threshold, "rules": asdict(self.rules)}
        write_state(path, pack(about, self._nets.by_stream))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Sieve:
        """Read a state that `save` wrote; it goes on as if it had never been away.

        An index is built anew, and may find another keeper of what is covered, or, with `confirm`
        under 1, miss others.

        Raises:
            UsageError: the file is no sieve, damaged, or of a later version.
        """
        about, rules, nets = read_state(path)
        sieve = cls(about["threshold"], **asdict(rules))
        sieve.seen, sieve._nets.by_stream = about["seen"], nets
        return sieve

"""The nets of a sieve: one for all streams, or one per stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.algo.sieve.cells import IndexMisses
from tamis.algo.sieve.net import Net
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.algo.sieve.rules import Rules

__all__ = ["ALL_STREAMS", "Nets"]

ALL_STREAMS = ""
"""The name of the one net that all streams share."""


class Nets:
    """Nets by stream name.

    Attributes:
        threshold: initial cosine similarity of new nets.
        rules: the rules of each net.
        by_stream: the nets so far.
    """

    def __init__(self, threshold: float, rules: Rules) -> None:
        self.threshold = threshold
        self.rules = rules
        self.by_stream: dict[str, Net] = {}

    def find(self, stream: str) -> Net | None:
        """Return the net of a stream, or None if nothing was offered to it."""
        return self.by_stream.get(self._name(stream))

    def get(self, stream: str, dim: int) -> Net:
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
            self.by_stream[name] = Net(dim, self.threshold, self.rules)
        return self.by_stream[name]

    def merge(self, other: Nets, prefix: str) -> None:
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

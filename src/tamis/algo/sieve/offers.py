"""The input and output of a sieve: offers and verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tamis.algo.sieve.kept import KeptVectors
    from tamis.algo.sieve.rules import Rules
    from tamis.types import Indices, Vectors

__all__ = ["Offers", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one vector; true if the vector is kept.

    Attributes:
        kept: whether the vector is new and kept.
        key: its key.
        keeper: key of a kept vector that covers it; its own key if it is kept.
        similarity: cosine similarity to the nearest vector kept before it, -1 if there is none. If
            an index found the keeper, the similarity to that, which may not be the nearest.
        merged: kept vectors that were removed to bound memory, each mapped to the key of the kept
            vector that now covers it.
    """

    kept: bool
    key: str
    keeper: str
    similarity: float
    merged: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.kept


@dataclass(frozen=True)
class Offers:
    """Vectors on offer.

    Attributes:
        vectors: `[B, D]` float32 unit vectors.
        keys: `[B]` distinct new keys.
        times: `[B]` seconds; nondecreasing if there is a window.
        reach: `[B]` largest distance (chord) of a vector that each already covers.
    """

    vectors: Vectors
    keys: Sequence[str]
    times: NDArray[np.float64]
    reach: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, start: int, stop: int) -> Offers:
        """Return the offers from `start` up to `stop`."""
        return Offers(
            self.vectors[start:stop],
            self.keys[start:stop],
            self.times[start:stop],
            self.reach[start:stop],
        )

    @classmethod
    def of(cls, kept: KeptVectors, rows: Indices, prefix: str = "") -> Offers:
        """Return the kept vectors at these positions as offers."""
        names = [prefix + kept.names[row] for row in rows]
        return cls(kept.vectors[rows], names, kept.seen[rows], kept.reach[rows])

    @classmethod
    def checked(
        cls,
        X: Vectors,
        keys: Sequence[str],
        times: ArrayLike | None,
        kept: KeptVectors,
        rules: Rules,
    ) -> Offers:
        """Validate keys and times and return the offers to `kept`.

        Raises:
            UsageError: keys are too many, too few or in use, or times are missing or not finite.
        """
        count = X.shape[0]
        if len(keys) != count:
            raise UsageError(f"there are {count} vectors and {len(keys)} keys; give one each")
        seen: set[str] = set()
        for key in keys:
            if key in kept or key in seen:
                raise UsageError(f"the key {key!r} is in use; give each vector a key of its own")
            seen.add(key)
        if times is None:
            if rules.window is not None and count:
                raise UsageError("a sieve with a window needs the time of each vector, in seconds")
            times = np.zeros(count)
        seconds = np.array(times, dtype=np.float64)
        if seconds.shape != (count,) or not np.isfinite(seconds).all():
            raise UsageError(f"times have to be {count} finite numbers of seconds")
        return cls(X, list(keys), seconds, np.zeros(count))

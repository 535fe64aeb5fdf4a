"""The vectors that a sieve has kept, with their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["KeptVectors"]

_FIRST_CAPACITY = 256
_GAPS_BEFORE_CLOSING = 0.25


class KeptVectors:
    """Kept vectors in a growing array; a removed row leaves a gap until gaps are closed.

    Attributes:
        vectors: `[size, D]` float32; gaps hold stale values.
        alive: `[size]` bool, False in gaps.
        order: `[size]` int64, ascending in the order in which vectors were kept.
        seen: `[size]` float64, time in seconds when each was kept or last covered something.
        reach: `[size]` float64, largest distance (chord) of a vector that it covers.
        names: key of each row.
        by_key: position of each kept vector.
    """

    def __init__(self, dim: int) -> None:
        self.names: list[str] = []
        self._vectors = np.empty((_FIRST_CAPACITY, dim), dtype=np.float32)
        self._alive = np.zeros(_FIRST_CAPACITY, dtype=bool)
        self._order = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        self._seen = np.zeros(_FIRST_CAPACITY, dtype=np.float64)
        self._reach = np.zeros(_FIRST_CAPACITY, dtype=np.float64)
        self.by_key: dict[str, int] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self.by_key)

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    @property
    def size(self) -> int:
        """Number of rows, gaps included."""
        return len(self.names)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._vectors.shape[1]

    @property
    def vectors(self) -> Vectors:
        """See the class."""
        return self._vectors[: self.size]

    @property
    def alive(self) -> NDArray[np.bool_]:
        """See the class."""
        return self._alive[: self.size]

    @property
    def order(self) -> Indices:
        """See the class."""
        return self._order[: self.size]

    @property
    def seen(self) -> NDArray[np.float64]:
        """See the class."""
        return self._seen[: self.size]

    @property
    def reach(self) -> NDArray[np.float64]:
        """See the class."""
        return self._reach[: self.size]

    @property
    def has_gaps(self) -> bool:
        """Whether there are gaps."""
        return len(self) < self.size

    @property
    def should_close_gaps(self) -> bool:
        """Whether there are so many gaps that closing them pays off."""
        return self.size - len(self) > _GAPS_BEFORE_CLOSING * self.size

    def by_age(self) -> Indices:
        """Return the positions of the kept vectors, oldest first."""
        alive = np.flatnonzero(self.alive)
        return alive[np.argsort(self.order[alive], kind="stable")]

    def append(self, vector: Vectors, key: str, seen: float, reach: float) -> int:
        """Keep one vector `[D]` and return its position."""
        position = self.size
        if position == self._vectors.shape[0]:
            self._grow()
        self._vectors[position] = vector
        self._alive[position] = True
        self._order[position] = self._next
        self._seen[position] = seen
        self._reach[position] = reach
        self.names.append(key)
        self.by_key[key] = position
        self._next += 1
        return position

    def cover(self, position: int, distance: float, seen: float) -> None:
        """Record that the vector at `position` covers one at this distance, at time `seen`."""
        self._reach[position] = max(self._reach[position], distance)
        self._seen[position] = max(self._seen[position], seen)

    def remove(self, positions: Indices) -> None:
        """Remove the vectors at these positions, leaving gaps."""
        for position in positions.tolist():
            del self.by_key[self.names[position]]
        self._alive[positions] = False

    def rearrange(self, positions: Indices) -> None:
        """Reorder the rows: `positions` lists all kept rows in their new order."""
        size = positions.size
        for array in (self._vectors, self._alive, self._order, self._seen, self._reach):
            array[:size] = array[positions]
        self.names = [self.names[position] for position in positions.tolist()]
        self.by_key = {name: position for position, name in enumerate(self.names)}

    def _grow(self) -> None:
        capacity = 2 * self._vectors.shape[0]
        for name in ("_vectors", "_alive", "_order", "_seen", "_reach"):
            old = getattr(self, name)
            new = np.zeros((capacity, *old.shape[1:]), dtype=old.dtype)
            new[: old.shape[0]] = old
            setattr(self, name, new)

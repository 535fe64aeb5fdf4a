"""What a review said of pairs: it outranks what their pixels say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.dataset.annotation_layers import REVIEWED_PAIRS
from tamis.dataset.columns import equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["Answers"]

_STAYS: Final = frozenset({"both", "different"})


@dataclass(frozen=True)
class Answers:
    """Answers about pairs of samples, by rows.

    Attributes:
        samples: how many samples there are.
        apart: pairs of which none is the other's duplicate, the lower row first.
        different: those of them that belong to no group together.
        kept_for: by the row that was dropped, the row that stays.
    """

    samples: int = 0
    apart: frozenset[tuple[int, int]] = frozenset()
    different: frozenset[tuple[int, int]] = frozenset()
    kept_for: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.apart) + len(self.kept_for)

    @classmethod
    def read(cls, store: Store, ids: Sequence[str]) -> Answers:
        """Read what was answered about samples, in their order; O(N) where there are answers."""
        said = store.annotations(
            ["sample_id", "text", "label"], equal("layer", REVIEWED_PAIRS)
        ).to_pylist()
        if not said:
            return cls()
        row_of = {name: row for row, name in enumerate(ids)}
        apart, different, kept_for = set(), set(), {}
        for one in sorted(said, key=lambda one: (one["sample_id"], one["text"] or "")):
            first, second = row_of.get(one["sample_id"]), row_of.get(one["text"])
            if first is None or second is None:
                continue
            pair = min(first, second), max(first, second)
            if one["label"] in _STAYS:
                apart.add(pair)
            elif one["label"] == "left":
                kept_for[second] = first
            elif one["label"] == "right":
                kept_for[first] = second
            if one["label"] == "different":
                different.add(pair)
        return cls(len(ids), frozenset(apart), frozenset(different), kept_for)

    def keep_apart(self, left: Indices, right: Indices) -> NDArray[np.bool_]:
        """Tell which pairs of rows `[P]` were answered to be no duplicates of each other."""
        return self._are(self.apart, left, right)

    def tell_different(self, left: Indices, right: Indices) -> NDArray[np.bool_]:
        """Tell which pairs of rows `[P]` were answered not to be copies at all."""
        return self._are(self.different, left, right)

    def _are(
        self, pairs: frozenset[tuple[int, int]], left: Indices, right: Indices
    ) -> NDArray[np.bool_]:
        keys = np.array([a * self.samples + b for a, b in pairs], np.int64)
        lower, upper = np.minimum(left, right), np.maximum(left, right)
        return np.isin(lower * self.samples + upper, keys)

    def settled(self, keeper: Indices) -> Indices:
        """Return which row each one goes with once the answers are heard.

        Args:
            keeper: `[n]` as the pixels say; a kept row goes with itself.
        """
        heard = keeper.copy()
        rows = np.arange(len(keeper))
        heard[self.keep_apart(rows, keeper)] = rows[self.keep_apart(rows, keeper)]
        stays = {dropped: self._stays(dropped) for dropped in self.kept_for}
        for dropped, kept in stays.items():
            if kept != dropped:
                heard[kept] = kept
        for dropped, kept in stays.items():
            if kept != dropped:
                heard[(heard == dropped) | (rows == dropped)] = kept
        return heard

    def _stays(self, row: int) -> int:
        """Return the last of what stays in place of each other; a row itself if that never ends."""
        seen = {row}
        kept = row
        while kept in self.kept_for:
            kept = self.kept_for[kept]
            if kept in seen:
                return row
            seen.add(kept)
        return kept

"""What comparing pairs of pictures told, and the verdicts that thresholds make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.calibration import PairThresholds
    from tamis.types import Indices, Vectors

__all__ = ["NO_REGIONS", "Comparison"]

NO_REGIONS = np.empty((0, 4), np.float32)
"""The regions of a pair that differs nowhere, or has no view in common."""

# No pair over such a score is on the line between copy and changed.
_OFF_THE_LINE = 0.6
_NOWHERE = np.full(4, np.nan, np.float32)


@dataclass(frozen=True)
class Comparison:
    """What comparing P pairs told.

    Attributes:
        score: `[P]` float32 in [0, 1]; 1 where nothing differs beyond noise and processing. It
            falls with the worst coherent region. 0 where the two share no view.
        view: `[P]` float32 in [0, 1], how far the two show the same view or template; 0 where
            that was ruled out early.
        undecidable: `[P]` bool, whether copy and changed cannot be told at the resolution at hand.
        flipped: `[P]` bool, whether the right picture is the left one mirrored left-right.
        left_regions: for each pair `[K, 4]` float32, where the two differ in the left picture:
            x, y, width and height as shares of the upright picture's sides, the worst first.
        right_regions: the same places in the right picture, as it is stored (not mirrored).
        covers: `[P, 2]` bool, whether the left picture shows all that the right one does, but for
            a rim, and the reverse; False where too little is seen to tell.
        sharper: `[P]` int8, which picture is sharper: -1 the left one, 1 the right one, 0 neither.
    """

    score: Vectors
    view: Vectors
    undecidable: NDArray[np.bool_]
    flipped: NDArray[np.bool_]
    left_regions: tuple[NDArray[np.float32], ...]
    right_regions: tuple[NDArray[np.float32], ...]
    covers: NDArray[np.bool_]
    sharper: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.score)

    @property
    def left_region(self) -> NDArray[np.float32]:
        """The worst region of each pair in the left picture, `[P, 4]`; NaN where there is none."""
        return _first(self.left_regions)

    @property
    def right_region(self) -> NDArray[np.float32]:
        """The worst region of each pair in the right picture, `[P, 4]`; NaN where there is none."""
        return _first(self.right_regions)

    def verdicts(self, thresholds: PairThresholds) -> NDArray[np.str_]:
        """Return a `Verdict` for each pair, as `[P]` strings that compare equal to its members."""
        copy = self.score >= thresholds.copy
        shared = copy | (self.view >= thresholds.changed)
        found = np.full(len(self), Verdict.DIFFERENT.value, dtype="<U9")
        found[shared] = Verdict.CHANGED.value
        found[copy] = Verdict.COPY.value
        if thresholds.doubtful is not None:
            found[shared & ~copy & (self.score >= thresholds.doubtful)] = Verdict.UNDECIDED.value
        found[shared & self.undecidable] = Verdict.UNDECIDED.value
        return found

    def take(self, rows: Indices) -> Comparison:
        """Return some of the pairs, in the order asked."""
        return Comparison(
            self.score[rows],
            self.view[rows],
            self.undecidable[rows],
            self.flipped[rows],
            tuple(self.left_regions[row] for row in rows.tolist()),
            tuple(self.right_regions[row] for row in rows.tolist()),
            self.covers[rows],
            self.sharper[rows],
        )

    def swapped(self, pairs: NDArray[np.bool_]) -> Comparison:
        """Return the same with left and right exchanged in the pairs that `pairs` `[P]` says."""
        left, right = list(self.left_regions), list(self.right_regions)
        for row in np.flatnonzero(pairs).tolist():
            left[row], right[row] = right[row], left[row]
        return replace(
            self,
            left_regions=tuple(left),
            right_regions=tuple(right),
            covers=np.where(pairs[:, None], self.covers[:, ::-1], self.covers),
            sharper=np.where(pairs, -self.sharper, self.sharper),
        )

    def told_by(self, score: Vectors, line: float = _OFF_THE_LINE) -> Comparison:
        """Return the same with scores that something else tells, where those are higher.

        Such pairs differ nowhere.

        Args:
            score: `[P]`, what is told.
            line: undecided pairs are decided by scores from this one on.
        """
        higher = np.where(self.undecidable, score >= line, score > self.score)
        none = np.flatnonzero(higher).tolist()
        left, right = list(self.left_regions), list(self.right_regions)
        for row in none:
            left[row] = right[row] = NO_REGIONS
        return replace(
            self,
            score=np.where(higher, score, self.score),
            undecidable=self.undecidable & ~higher,
            left_regions=tuple(left),
            right_regions=tuple(right),
        )

    @classmethod
    def joined(cls, parts: Sequence[Comparison]) -> Comparison:
        """Return the pairs of several comparisons, one after the other."""
        return cls(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.view for part in parts]),
            np.concatenate([part.undecidable for part in parts]),
            np.concatenate([part.flipped for part in parts]),
            tuple(boxes for part in parts for boxes in part.left_regions),
            tuple(boxes for part in parts for boxes in part.right_regions),
            np.concatenate([part.covers for part in parts]),
            np.concatenate([part.sharper for part in parts]),
        )

    @classmethod
    def ruled_out(cls, pairs: int) -> Comparison:
        """Return `pairs` pairs that share no view."""
        zeros, no = np.zeros((2, pairs), np.float32), np.zeros((2, pairs), np.bool_)
        nowhere = (NO_REGIONS,) * pairs
        covers, sharper = np.zeros((pairs, 2), np.bool_), np.zeros(pairs, np.int8)
        return cls(zeros[0], zeros[1], no[0], no[1], nowhere, nowhere, covers, sharper)


def _first(regions: tuple[NDArray[np.float32], ...]) -> NDArray[np.float32]:
    worst = [boxes[0] if len(boxes) else _NOWHERE for boxes in regions]
    return np.array(worst, np.float32).reshape(-1, 4)

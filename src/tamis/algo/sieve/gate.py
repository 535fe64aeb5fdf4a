"""A cheap gate before the encoder: it recognizes by pixels frames that cannot be new.

If a frame differs little from an embedded one, their vectors are close. If that vector is well
within the threshold of a kept one, so is the frame's, by the triangle inequality. How close vectors
are for a given difference in pixels is learned from the stream itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis.algo.sieve.exact_search import chord
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tamis.algo.sieve.offers import Verdict

__all__ = ["VIEW_HEIGHT", "VIEW_WIDTH", "DistanceBound", "Gate", "GateResult", "difference"]

VIEW_WIDTH, VIEW_HEIGHT = 80, 45
"""Size in pixels of the small color views used to compare frames."""

_BLOCK = 5
_EDGES = np.geomspace(0.125, 64.0, 28)
_SAFETY = 1.25
_FRAMES_A_BIN = 50
_REFERENCES = 32
_AUDIT_EVERY = 50


def difference(
    views: NDArray[np.uint8] | NDArray[np.float32], view: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Measure how a view differs from each of several others, overall and in the worst block.

    Args:
        views: `[R, 45, 80, 3]` uint8, or float32, which is faster.
        view: `[45, 80, 3]` uint8.

    Returns:
        `[R, 2]` float32: root mean square difference of the whole view, and of the 5 x 5 block
        with the largest, in gray levels.
    """
    squares = views.astype(np.float32, copy=False) - view
    np.square(squares, out=squares)
    rows, columns = VIEW_HEIGHT // _BLOCK, VIEW_WIDTH // _BLOCK
    # Summing rows first is several times faster than summing blocks directly.
    lines = squares.reshape(-1, rows, _BLOCK, VIEW_WIDTH * 3).sum(axis=2)
    blocks = lines.reshape(-1, rows * columns, _BLOCK * 3).sum(axis=2) / (_BLOCK * _BLOCK * 3)
    result: NDArray[np.float32] = np.sqrt(np.stack([blocks.mean(axis=1), blocks.max(axis=1)], 1))
    return result


class DistanceBound:
    """A learned bound on the distance of two frames' vectors, given their difference in pixels.

    For each of the two measures of difference, the largest distance (chord) seen up to that
    difference. The bound is the larger of the two, widened by a quarter. It is infinite for a
    difference near which fewer than 50 frames have been seen.
    """

    def __init__(self) -> None:
        self._largest = np.zeros((2, _EDGES.size + 1))
        self._frames = np.zeros((2, _EDGES.size + 1), dtype=np.int64)

    def learn(self, differences: NDArray[np.float32], distances: NDArray[np.float64]) -> None:
        """Learn from one frame's `[R, 2]` differences from others and `[R]` vector distances."""
        for measure in range(2):
            places = np.searchsorted(_EDGES, differences[:, measure])
            np.maximum.at(self._largest[measure], places, distances)
            self._frames[measure, np.unique(places)] += 1

    def of(self, differences: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return a bound on the distance for each of `[R, 2]` differences; infinity if unknown."""
        bound = np.zeros(differences.shape[0])
        for measure in range(2):
            places = np.searchsorted(_EDGES, differences[:, measure])
            padded = np.pad(self._frames[measure], 1)
            around = padded[:-2] + padded[1:-1] + padded[2:]
            highest = np.maximum.accumulate(self._largest[measure]) * _SAFETY
            known = np.where(around >= _FRAMES_A_BIN, highest, np.inf)
            np.maximum(bound, known[places], out=bound)
        return bound


class GateResult(NamedTuple):
    """The gate's decision on a frame.

    Attributes:
        keeper: key of a kept vector that covers the frame; None if it has to be embedded.
        audit: whether the frame would have been skipped, but passes in order to check the gate.
    """

    keeper: str | None
    audit: bool


class Gate:
    """Skips frames that cannot be new, by comparing their views with recently embedded frames.

    Frames that pass go to the encoder and the sieve. Every 50th frame that would be skipped passes
    too, so that errors are measured continuously and the gate learns from them. Each frame is
    compared with the last 32 embedded ones, in about half a millisecond.

    Attributes:
        skipped: number of skipped frames.
        audited: number of frames that would have been skipped but passed as a check.
        missed: number of audited frames that turned out to be new.

    Example:
        >>> Gate().look(np.zeros((45, 80, 3), np.uint8), threshold=0.9)
        GateResult(keeper=None, audit=False)
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.audited = 0
        self.missed = 0
        self._bound = DistanceBound()
        self._would_skip = 0
        self._learnt = 0
        self._last_match = 0
        self._views = np.zeros((_REFERENCES, VIEW_HEIGHT, VIEW_WIDTH, 3), dtype=np.float32)
        self._vectors = np.zeros((_REFERENCES, 0), dtype=np.float32)
        self._keepers = [""] * _REFERENCES
        # Infinite in empty slots, so that they never match.
        self._distances = np.full(_REFERENCES, np.inf)

    def look(self, view: NDArray[np.uint8], *, threshold: float) -> GateResult:
        """Decide whether a frame is certainly covered.

        If not, embed it, offer it to the sieve, and report the result with `learn`.

        Args:
            view: `[45, 80, 3]` uint8.
            threshold: the sieve's current threshold.

        Raises:
            UsageError: the view has another shape.
        """
        if view.shape != (VIEW_HEIGHT, VIEW_WIDTH, 3):
            raise UsageError(f"a view has the shape (45, 80, 3), not {view.shape}")
        place = self._match(view, chord(threshold))
        if place is None:
            return GateResult(None, audit=False)
        self._would_skip += 1
        if self._would_skip % _AUDIT_EVERY == 0:
            return GateResult(None, audit=True)
        self.skipped += 1
        return GateResult(self._keepers[place], audit=False)

    def _match(self, view: NDArray[np.uint8], radius: float) -> int | None:
        """Return the place of an embedded frame whose keeper is certainly within the radius."""
        # In a quiet scene the last match usually matches again, which saves comparing all.
        last = self._last_match
        if np.isfinite(self._distances[last]):
            near = difference(self._views[last : last + 1], view)
            if self._bound.of(near)[0] + self._distances[last] <= radius:
                return last
        reach = self._bound.of(difference(self._views, view)) + self._distances
        nearest = int(np.argmin(reach))
        if reach[nearest] > radius:
            return None
        self._last_match = nearest
        return nearest

    def learn(
        self, view: NDArray[np.uint8], vector: NDArray[np.float32], verdict: Verdict, *, audit: bool
    ) -> None:
        """Learn from a frame that was embedded and decided on.

        Args:
            view: `[45, 80, 3]` uint8.
            vector: `[D]` float32, of length 1.
            verdict: the sieve's verdict.
            audit: the `audit` that `look` returned.
        """
        if audit:
            self.audited += 1
            self.missed += verdict.kept
        if self._vectors.shape[1] != vector.size:
            self._vectors = np.zeros((_REFERENCES, vector.size), dtype=np.float32)
        known = np.isfinite(self._distances)
        if known.any():
            gaps = self._vectors[known].astype(np.float64) - vector
            differences = difference(self._views[known], view)
            self._bound.learn(differences, np.linalg.norm(gaps, axis=1))
        place = self._learnt % _REFERENCES
        self._learnt += 1
        self._views[place] = view
        self._vectors[place] = vector
        self._keepers[place] = verdict.keeper
        self._distances[place] = 0.0 if verdict.kept else chord(verdict.similarity)

    def retain(self, keeps: Callable[[str], bool]) -> None:
        """Forget frames whose keeper is no longer kept."""
        for place, keeper in enumerate(self._keepers):
            if np.isfinite(self._distances[place]) and not keeps(keeper):
                self._distances[place] = np.inf

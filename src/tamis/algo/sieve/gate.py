"""A cheap gate before the encoder: it tells frames that cannot be new by their pixels alone.

A frame that differs little from one that was embedded lies near it, and if that one lies well
within the threshold of a kept one, so does the frame, by the triangle inequality. How near is
learned from the stream itself.
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
"""Size in pixels of the small colour view by which frames are compared."""

_BLOCK = 5
_EDGES = np.geomspace(0.125, 64.0, 28)
_SAFETY = 1.25
_FRAMES_A_BIN = 50
_REFERENCES = 32
_AUDIT_EVERY = 50


def difference(
    views: NDArray[np.uint8] | NDArray[np.float32], view: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Measure how one view differs from each of others, overall and where it differs most.

    Args:
        views: `[R, 45, 80, 3]` uint8, or as float32, which is faster.
        view: `[45, 80, 3]` uint8.

    Returns:
        `[R, 2]` float32: root mean square of the whole difference, and of the 5 x 5 block in
        which it is largest, in grey levels.
    """
    squares = views.astype(np.float32, copy=False) - view
    np.square(squares, out=squares)
    rows, columns = VIEW_HEIGHT // _BLOCK, VIEW_WIDTH // _BLOCK
    # Whole lines are added first, which is several times faster than blocks at once.
    lines = squares.reshape(-1, rows, _BLOCK, VIEW_WIDTH * 3).sum(axis=2)
    blocks = lines.reshape(-1, rows * columns, _BLOCK * 3).sum(axis=2) / (_BLOCK * _BLOCK * 3)
    result: NDArray[np.float32] = np.sqrt(np.stack([blocks.mean(axis=1), blocks.max(axis=1)], 1))
    return result


class DistanceBound:
    """How far apart the vectors of two frames can be that differ so much, as learned.

    For each measure of difference, the largest distance (chord) seen at up to that difference;
    the larger of the two measures' figures counts, widened by a quarter. Where fewer than 50
    frames have been seen at about a difference, nothing is claimed.
    """

    def __init__(self) -> None:
        self._largest = np.zeros((2, _EDGES.size + 1))
        self._frames = np.zeros((2, _EDGES.size + 1), dtype=np.int64)

    def learn(self, differences: NDArray[np.float32], distances: NDArray[np.float64]) -> None:
        """Take in one frame's `[R, 2]` differences from others and `[R]` vector distances."""
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
    """What the gate says of a frame.

    Attributes:
        keeper: key of a kept vector that covers it for certain; None if the encoder has to look.
        audit: whether the frame would have been skipped, but is let pass to check the gate.
    """

    keeper: str | None
    audit: bool


class Gate:
    """Tells frames that cannot be new from their views, by frames that were embedded before.

    What it lets pass is decided by the encoder and the sieve; of what it would skip it lets every
    50th pass as well, so that its errors are measured while it works, and teach it. O(R) in the
    last 32 embedded frames, about half a millisecond.

    Attributes:
        skipped: frames it told apart.
        audited: frames that it would have skipped and let pass.
        missed: of those, frames that were new after all.

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
        # Infinite where nothing is remembered, so that nothing is told by it.
        self._distances = np.full(_REFERENCES, np.inf)

    def look(self, view: NDArray[np.uint8], *, threshold: float) -> GateResult:
        """Say whether a frame is covered for certain.

        If not, it is to be embedded, offered to the sieve, and what came of it told by `learn`.

        Args:
            view: `[45, 80, 3]` uint8.
            threshold: of the sieve, now.

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
        """Return the place of an embedded frame whose keeper is within the radius for certain."""
        # In a quiet scene the one that matched last matches again, and saves comparing all.
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
        """Take in a frame that was embedded and decided on.

        Args:
            view: `[45, 80, 3]` uint8.
            vector: `[D]` float32, of length 1.
            verdict: the sieve's.
            audit: what `look` said.
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
        """Forget frames whose keeper is not kept any more."""
        for place, keeper in enumerate(self._keepers):
            if np.isfinite(self._distances[place]) and not keeps(keeper):
                self._distances[place] = np.inf

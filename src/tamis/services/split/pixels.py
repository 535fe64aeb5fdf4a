"""Pairs of pictures compared by their pixels, with the lines that `duplicates` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.calibration import PairThresholds
from tamis.algo.components import connected_components, join_groups
from tamis.algo.neighbors import knn_graph
from tamis.algo.splits.closest_across import closest_across
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import last_duplicates
from tamis.dataset.samples import Kind, Samples
from tamis.runtime.pair_verification import PairVerifier
from tamis.types import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.services.split.evidence import Evidence
    from tamis.types import Indices, Vectors

__all__ = ["UNKNOWN", "Looked", "PixelVerdicts", "Verdicts", "candidates", "look"]

UNKNOWN = ""
"""Stands for the verdict on a pair of which one picture has no thumbnail."""

_SAMPLED = 1000
# A pair of one view costs 25 ms, and where a view is shared all pairs are of one.
_NEAREST_OF_EACH, _LEAST_CANDIDATES, _MOST_CANDIDATES = 3, 50, 10_000


@dataclass(frozen=True)
class Verdicts:
    """What the pixels say of P pairs.

    Attributes:
        verdict: `[P]` strings, a `Verdict` or `UNKNOWN`.
        score: `[P]` 1 where nothing differs beyond noise and processing; NaN where unknown.
        flipped: `[P]` whether one is mirrored.
        regions: for each pair where it differs, the worst place first, as shares of the sides of
            the left and of the right picture: `[K, 4]` x, y, width, height each.
    """

    verdict: NDArray[np.str_]
    score: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    regions: list[tuple[NDArray[np.float32], NDArray[np.float32]]]

    def taken(self, pairs: NDArray[np.bool_]) -> Verdicts:
        """Return those of the pairs that `pairs` `[P]` says."""
        regions = [one for one, there in zip(self.regions, pairs.tolist(), strict=True) if there]
        return Verdicts(self.verdict[pairs], self.score[pairs], self.flipped[pairs], regions)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pairs could be compared."""
        return np.not_equal(self.verdict, UNKNOWN)

    @property
    def copy(self) -> NDArray[np.bool_]:
        """Which pairs are copies."""
        return np.equal(self.verdict, Verdict.COPY.value)

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Which pairs are copies or changed versions, and cannot be told."""
        return np.equal(self.verdict, Verdict.UNDECIDED.value)

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which pairs are changed versions, or are that or copies and cannot be told."""
        return np.equal(self.verdict, Verdict.CHANGED.value) | self.undecided


class PixelVerdicts:
    """Compares pairs of some pictures, by lines that depend on the pictures alone.

    The lines are those of the last `duplicates` where its marks stand, so that a split, its audit
    and the marks say the same of a pair. Without marks they are calibrated, without a seed, on
    the pairs that `calibrate` is given.

    Attributes:
        shown: `[N]` which pictures have a thumbnail.
        random_share: share of random pairs that are changed views of each other; 0 where lines were
            given.
        notes: what the calibration has to say.
    """

    def __init__(
        self,
        store: Store,
        ids: list[str],
        shown: NDArray[np.bool_],
        lines: PairThresholds | None = None,
    ) -> None:
        """Take over the lines, if they are known.

        Args:
            store: the dataset.
            ids: the pictures, ordered by content, so that what is drawn does not change with names.
            shown: `[N]` which of them have a thumbnail.
            lines: that verdicts are drawn with.
        """
        self._store, self._ids, self._lines = store, ids, lines
        self._told: dict[tuple[int, int], _Told] = {}
        self.shown = shown
        self.random_share = 0.0
        self.notes: list[str] = []

    @classmethod
    def read(cls, store: Store, ids: list[str], *, marked: bool) -> PixelVerdicts:
        """Read which pictures have a thumbnail, and the lines that `duplicates` drew.

        Args:
            store: the dataset.
            ids: the pictures.
            marked: the marks of `duplicates` stand, and so do its lines.
        """
        shown = Samples(store).of(kind=Kind.ALL).having(Column.THUMBNAIL).ids
        found = last_duplicates(store) if marked else None
        lines = None
        if found and found.threshold is not None and found.changed_threshold is not None:
            lines = PairThresholds(
                found.threshold, found.changed_threshold, found.doubtful_threshold
            )
        return cls(store, ids, np.isin(ids, shown), lines)

    @property
    def calibrated(self) -> bool:
        """Whether the lines are known."""
        return self._lines is not None

    def calibrate(self, left: Indices, right: Indices) -> None:
        """Find the lines on pairs of near pictures, of which some are copies.

        Draws up to 1,000 other pictures for random pairs and for copies to be made. Costs some
        seconds.

        Args:
            left: `[P]` numbers of the pictures.
            right: `[P]` numbers of the pictures.
        """
        rng = np.random.default_rng(0)
        shown = np.flatnonzero(self.shown)
        drawn = rng.choice(shown, min(shown.size, _SAMPLED), replace=False)
        rows = np.union1d(drawn, np.concatenate([left, right]))
        rows = rows[self.shown[rows]]
        if rows.size == 0:
            return
        verifier = self._verifier(rows)
        both = self.shown[left] & self.shown[right]
        compared = verifier.compare(*np.searchsorted(rows, (left[both], right[both])))
        found = verifier.calibrate(compared, rng)
        self._lines = found.thresholds
        copies, shared = found.random_pass_rate
        self.random_share = max(shared - copies, 0.0)
        self.notes = list(found.notes)

    def compare(self, left: Indices, right: Indices) -> Verdicts:
        """Compare pairs; about 1 ms to decode a picture, and .5 to 3 ms a pair not yet compared.

        Args:
            left: `[P]` numbers of the pictures.
            right: `[P]` numbers of the pictures.
        """
        pairs = list(zip(left.tolist(), right.tolist(), strict=True))
        fresh = np.array(
            [pair not in self._told and self.shown[list(pair)].all() for pair in pairs], np.bool_
        )
        if fresh.any():
            assert self._lines is not None, "calibrate before you compare"
            self._compare_fresh(left[fresh], right[fresh], self._lines)
        told = [self._told.get(pair, _NOT_SHOWN) for pair in pairs]
        return Verdicts(
            verdict=np.array([one.verdict for one in told], "<U9"),
            score=np.array([one.score for one in told], np.float64),
            flipped=np.array([one.flipped for one in told], np.bool_),
            regions=[(one.left, one.right) for one in told],
        )

    def taken(self, inside: NDArray[np.bool_]) -> PixelVerdicts:
        """Return the same lines for those of the pictures that `inside` `[N]` says."""
        ids = [name for name, there in zip(self._ids, inside.tolist(), strict=True) if there]
        return PixelVerdicts(self._store, ids, self.shown[inside], self._lines)

    def _compare_fresh(self, left: Indices, right: Indices, lines: PairThresholds) -> None:
        rows = np.unique(np.concatenate([left, right]))
        found = self._verifier(rows).compare(*np.searchsorted(rows, (left, right)))
        columns = (
            left.tolist(),
            right.tolist(),
            found.verdicts(lines).tolist(),
            found.score.tolist(),
            found.flipped.tolist(),
            found.left_regions,
            found.right_regions,
        )
        for a, b, *told in zip(*columns, strict=True):
            self._told[a, b] = _Told(*told)

    def _verifier(self, rows: Indices) -> PairVerifier:
        return PairVerifier(self._store, [self._ids[row] for row in rows.tolist()])


@dataclass(frozen=True)
class _Told:
    """What the pixels say of one pair."""

    verdict: str
    score: float
    flipped: bool
    left: NDArray[np.float32]
    right: NDArray[np.float32]


_NOWHERE = np.empty((0, 4), np.float32)
_NOT_SHOWN = _Told(UNKNOWN, np.nan, flipped=False, left=_NOWHERE, right=_NOWHERE)


@dataclass(frozen=True)
class Looked:
    """Pairs of N pictures, each once, and their verdicts.

    Attributes:
        n: the number of pictures.
        left: `[P]` rows.
        right: `[P]` rows.
        hashed: `[P]` whether their perceptual hashes are equal.
        over: `[P]` whether their vectors are at or over the threshold.
        verdicts: by their pixels.
    """

    n: int
    left: Indices
    right: Indices
    hashed: NDArray[np.bool_]
    over: NDArray[np.bool_]
    verdicts: Verdicts

    def taken(self, inside: NDArray[np.bool_]) -> Looked:
        """Return the pairs of those of the pictures that `inside` `[N]` says, numbered afresh."""
        number = np.cumsum(inside) - 1
        both = inside[self.left] & inside[self.right]
        return Looked(
            n=int(inside.sum()),
            left=number[self.left[both]],
            right=number[self.right[both]],
            hashed=self.hashed[both],
            over=self.over[both],
            verdicts=self.verdicts.taken(both),
        )

    def joined(self, columns: list[Indices], pairs: NDArray[np.bool_]) -> Indices:
        """Return the finest groups that hold together these columns and these pairs, `[P]` bool."""
        chained = connected_components(self.n, self.left[pairs], self.right[pairs])
        return join_groups([*columns, chained])


def candidates(n: int) -> int:
    """How many of the most similar pairs are compared by their pixels."""
    return min(_MOST_CANDIDATES, max(_LEAST_CANDIDATES, n))


def look(evidence: Evidence, groups: Indices) -> Looked:
    """Compare the pairs that may be copies and that no group joins.

    They are the most similar of all, each picture's nearest, and some of each perceptual hash.
    The lines are calibrated on them, without a seed, where `duplicates` drew none. Where its
    marks stand it has compared more than these, and nothing is compared again.

    Args:
        evidence: the pictures; calibrated here if it was not.
        groups: `[N]` what is joined already.
    """
    n, known, pixels = len(evidence), evidence.known, evidence.pixels
    keys = equal = np.empty(0, np.int64)
    if not (known.marked and pixels.calibrated and pixels.shown.all()):
        near = closest_across(
            evidence.samples.vectors, np.arange(n), most=candidates(n), rng=np.random.default_rng(0)
        )
        keys = np.union1d(near.left * n + near.right, _nearest_of_each(evidence.samples.vectors))
    if known.hashes is not None:
        equal = _equal_hashes(known.hashes)
        keys = np.union1d(keys, equal)
    left, right = np.divmod(keys, n)
    if not pixels.calibrated:
        pixels.calibrate(left, right)
    fresh = groups[left] != groups[right]
    left, right, hashed = left[fresh], right[fresh], np.isin(keys[fresh], equal)
    over = np.zeros(left.size, np.bool_)
    if known.threshold is not None:
        over = evidence.similarity(left, right) >= known.threshold
    return Looked(n, left, right, hashed, over, pixels.compare(left, right))


def _nearest_of_each(vectors: Vectors) -> Indices:
    """Keys of the pairs of each picture with its nearest.

    Where many pictures are alike, the most similar pairs of all may leave out a picture's copy.
    """
    n = len(vectors)
    each = min(_NEAREST_OF_EACH, _MOST_CANDIDATES // n)
    if n == 1 or each == 0:
        return np.empty(0, np.int64)
    other = knn_graph(vectors, each, rng=np.random.default_rng(0)).indices
    rows = np.arange(n)[:, None]
    return np.unique(np.minimum(rows, other) * n + np.maximum(rows, other))


def _equal_hashes(hashes: Indices) -> Indices:
    """Keys of pairs that chain each group of equal hashes, and star it from its first row."""
    n = len(hashes)
    rows = np.flatnonzero(hashes >= 0)
    rows = rows[np.argsort(hashes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(hashes[rows], prepend=-1))
    first = np.repeat(rows[starts], np.diff(starts, append=rows.size))
    same = hashes[rows[1:]] == hashes[rows[:-1]]
    keys = np.concatenate([rows[:-1][same] * n + rows[1:][same], (first * n + rows)[first != rows]])
    return np.unique(keys)

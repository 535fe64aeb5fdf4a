"""Verdicts on pairs of pictures by their pixels, with the lines that `duplicates` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.calibration import PairThresholds
from tamis.dataset.group_columns import last_duplicates
from tamis.runtime.pair_verification import PairVerifier
from tamis.types import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["UNKNOWN", "PixelVerdicts", "Verdicts"]

UNKNOWN = ""
"""Stands for the verdict on a pair of which one picture has no thumbnail."""

_SAMPLED = 1000


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
        random_share: share of random pairs that show the same view; 0 where lines were given.
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
            ids: the pictures.
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
        shown = store.read(["sample_id"], "thumbnail IS NOT NULL").column("sample_id").to_pylist()
        found = last_duplicates(store) if marked else None
        lines = None
        if found and found.threshold is not None and found.changed_threshold is not None:
            lines = PairThresholds(found.threshold, found.changed_threshold)
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
        self.random_share = found.random_pass_rate[1]
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

"""Candidates for duplicates, and their verification on pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.calibration import copy_excess, copy_score
from tamis.algo.common_original import through_common_original
from tamis.algo.components import connected_components
from tamis.algo.duplicates import (
    greedy_leader,
    hash_candidates,
    pair_keys,
    turned_candidates,
    vector_candidates,
)
from tamis.runtime.comparison import Comparison
from tamis.runtime.pair_verification import PairVerifier

if TYPE_CHECKING:
    from tamis.algo.calibration import PairCalibration, PairThresholds
    from tamis.dataset.embedded import EmbeddedSamples
    from tamis.dataset.store import Store
    from tamis.services.duplicates.answers import Answers
    from tamis.services.duplicates.keeping import Keeping
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices, Progress, Vectors, Verdict

__all__ = ["Candidates"]

_NEIGHBOURS = 8
_HASH_NEIGHBOURS, _HASH_RADIUS = 4, 10
# All pairs of 16 are as many as their candidates are at most.
_MOST_COPIES = 16
_NO_PAIRS = np.empty(0, np.int64)
_QUARTERS = 4


class Candidates:
    """Candidates among different files, and what their verification said."""

    def __init__(
        self,
        store: Store,
        samples: Samples,
        embedded: EmbeddedSamples,
        keeping: Keeping,
        *,
        answers: Answers,
        drop: frozenset[Verdict],
        rotations: bool,
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        n = len(samples.ids)
        self._answers = answers
        self.best_equal = keeping.best_equals()
        self.rows = np.flatnonzero((self.best_equal == np.arange(n)) & samples.shown)
        self._samples, self._keeping, self._drop, self._rng = samples, keeping, drop, rng
        place = {samples.ids[row]: number for number, row in enumerate(self.rows.tolist())}
        vector_of = np.full(len(self.rows), -1, np.int64)
        for number, sample_id in enumerate(embedded.ids):
            if sample_id in place:
                vector_of[place[sample_id]] = number
        self._vector_of, self._vectors = vector_of, embedded.vectors
        ids = [samples.ids[row] for row in self.rows.tolist()]
        self._verifier = PairVerifier(store, ids, progress=progress)
        self._rotations = rotations
        self._keys = self._tried = np.empty(0, np.int64)
        self.turns = np.empty(0, np.int64)
        self.compared = self._direct = Comparison.ruled_out(0)
        self._told = np.zeros(0, np.float32)
        self._pixels = (samples.widths * samples.heights)[self.rows]
        self.recall = 1.0

    @property
    def left(self) -> Indices:
        """First picture of each candidate, as a number of `rows`."""
        return self._keys // max(len(self.rows), 1)

    @property
    def right(self) -> Indices:
        """Second picture of each candidate, as a number of `rows`."""
        return self._keys % max(len(self.rows), 1)

    def more(self, among: Indices, pairs: Indices = _NO_PAIRS) -> bool:
        """Verify the candidates among some pictures, and pairs, that are not yet; False if none."""
        n = len(self.rows)
        with_vector = among[self._vector_of[among] >= 0]
        found = [pairs]
        if len(with_vector) > 1:
            vectors = self._vectors[self._vector_of[with_vector]]
            keys, recall = vector_candidates(vectors, _NEIGHBOURS, self._rng)
            self.recall = min(self.recall, recall)
            found.append(_renumbered(keys, with_vector, n))
        hashed = among[self._samples.hashed[self.rows[among]]]
        hashes = self._samples.hashes[self.rows[hashed]]
        keys = hash_candidates(hashes, _HASH_NEIGHBOURS, _HASH_RADIUS)
        found.append(_renumbered(keys, hashed, n))
        ways = np.unique(np.concatenate(found)) * _QUARTERS
        if self._rotations:
            ways = np.concatenate([ways + turn for turn in range(_QUARTERS)])
            keys, turns = turned_candidates(hashes, _HASH_NEIGHBOURS, _HASH_RADIUS)
            ways = np.append(ways, _renumbered(keys, hashed, n) * _QUARTERS + turns)
        fresh = np.setdiff1d(ways, self._tried)
        if fresh.size == 0:
            return False
        self._tried = np.union1d(self._tried, fresh)
        self._take_in(*np.divmod(fresh, _QUARTERS))
        return True

    def _take_in(self, keys: Indices, turns: Indices) -> None:
        """Compare pairs, each as it is turned, and remember the best way of each."""
        n = len(self.rows)
        compared = self._verifier.compare(keys // n, keys % n, turns)
        keys, turns = np.append(self._keys, keys), np.append(self.turns, turns)
        compared = Comparison.joined([self._direct, compared])
        order = np.lexsort((turns, -compared.view, -compared.score, keys))
        best = order[np.unique(keys[order], return_index=True)[1]]
        self._keys, self.turns = keys[best], turns[best]
        self._direct = compared.take(best)
        self._told = self._by_originals()
        self.compared = self._direct.told_by(self._told)

    def _by_originals(self) -> Vectors:
        """Score pairs by what both have in common with a third picture; 0 without one."""
        found = self._direct
        excess = np.where(found.undecidable, np.inf, copy_excess(found.score))
        bound = through_common_original(
            self.left,
            self.right,
            excess,
            found.covers,
            found.sharper,
            self._pixels,
            found.undecidable,
        )
        return np.array([copy_score(one) for one in bound.tolist()], np.float32)

    def judged(self, thresholds: PairThresholds) -> Comparison:
        """Return what comparing told, and originals of pairs that they make copies."""
        # What makes no copy keeps its places of difference.
        told = np.where(self._told >= thresholds.copy, self._told, np.float32(0))
        return self._direct.told_by(told, thresholds.copy)

    def keepers(self, thresholds: PairThresholds) -> Indices:
        """Return which picture each one goes with: the best of which it is to be dropped for."""
        verdicts = self.judged(thresholds).verdicts(thresholds)
        same = np.isin(verdicts, [verdict.value for verdict in self._drop])
        same &= ~self._answers.keep_apart(self.rows[self.left], self.rows[self.right])
        n, left, right = len(self.rows), self.left[same], self.right[same]
        order = self._keeping.order(self.rows, connected_components(n, left, right))
        return greedy_leader(n, left, right, order)

    def settle(self, thresholds: PairThresholds) -> Indices:
        """Verify further candidates until those kept have none left among them.

        Where many are the same, the nearest few of each are all dropped, and who is kept may still
        have a duplicate among those kept. Each round compares the kept ones with each other, and
        one whose keeper was dropped with who dropped that. Before, the copies of one picture are
        compared with each other, unless they are so many that this would cost more than all else.

        Returns:
            Which picture each one goes with.
        """
        n = len(self.rows)
        keeper = self.keepers(thresholds)
        if self.more(_NO_PAIRS, _copies_of_one(keeper)):
            keeper = self.keepers(thresholds)
        orphans = _NO_PAIRS
        while (keeper != np.arange(n)).any() and self.more(np.unique(keeper), orphans):
            before, keeper = keeper, self.keepers(thresholds)
            if np.array_equal(before, keeper):
                break
            orphaned = np.flatnonzero((keeper == np.arange(n)) & (before != np.arange(n)))
            orphans = pair_keys(n, orphaned, keeper[before[orphaned]])
        return keeper

    def calibration(self, threshold: float | None) -> PairCalibration:
        """Find the thresholds from copies made, the candidates and random pairs.

        Args:
            threshold: that of copies, if it was given; no copies are made then.
        """
        return self._verifier.calibrate(self.compared, self._rng, threshold=threshold)


def _copies_of_one(keeper: Indices) -> Indices:
    """Keys of the pairs that go with one keeper, where these are as few as candidates are."""
    n = len(keeper)
    dropped = np.flatnonzero(keeper != np.arange(n))
    dropped = dropped[np.argsort(keeper[dropped], kind="stable")]
    starts = np.flatnonzero(np.diff(keeper[dropped], prepend=-1))
    keys = [_NO_PAIRS]
    for group in np.split(dropped, starts[1:]):
        if 1 < group.size <= _MOST_COPIES:
            one, other = np.triu_indices(group.size, 1)
            keys.append(pair_keys(n, group[one], group[other]))
    return np.unique(np.concatenate(keys))


def _renumbered(keys: Indices, rows: Indices, n: int) -> Indices:
    """Pair keys among `len(rows)` chosen rows, which ascend, as pair keys among all `n`."""
    m = max(len(rows), 1)
    renumbered: Indices = rows[keys // m] * n + rows[keys % m]
    return renumbered

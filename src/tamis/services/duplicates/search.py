"""Candidates for duplicates, and their verification on pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.calibration import calibrate
from tamis.algo.duplicates import greedy_leader, hash_candidates, pair_keys, vector_candidates
from tamis.algo.verification import COARSE_SIDE, GREY_SIDE
from tamis.data.grey_pictures import GreyPictures
from tamis.data.images.copies import grey_copies
from tamis.pipelines.same_shot import score_copies, score_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.calibration import Calibration
    from tamis.data.embedded import EmbeddedSamples
    from tamis.data.store import Store
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices, Progress, Vectors

__all__ = ["Search"]

_NEIGHBOURS = 8
_HASH_NEIGHBOURS, _HASH_RADIUS = 4, 10
_SAMPLED, _RANDOM_PAIRS = 100, 500
_NO_PAIRS = np.empty(0, np.int64)


class Search:
    """Candidates among different files, and what their verification said."""

    def __init__(
        self,
        store: Store,
        samples: Samples,
        embedded: EmbeddedSamples,
        *,
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        n = len(samples.ids)
        self.rows = np.flatnonzero((samples.best_equal == np.arange(n)) & samples.shown)
        self._samples, self._rng, self._progress = samples, rng, progress
        place = {samples.ids[row]: number for number, row in enumerate(self.rows.tolist())}
        vector_of = np.full(len(self.rows), -1, np.int64)
        for number, sample_id in enumerate(embedded.ids):
            if sample_id in place:
                vector_of[place[sample_id]] = number
        self._vector_of, self._vectors = vector_of, embedded.vectors
        rank = np.empty(n, np.int64)
        rank[samples.order] = np.arange(n)
        self._order = np.argsort(rank[self.rows])
        ids = [samples.ids[row] for row in self.rows.tolist()]
        self._pictures = GreyPictures(store, ids, small=COARSE_SIDE, large=GREY_SIDE)
        self._keys = np.empty(0, np.int64)
        self.scores = np.empty(0, np.float32)
        self.flipped = np.empty(0, np.bool_)
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
        fresh = np.setdiff1d(np.concatenate(found), self._keys)
        if fresh.size == 0:
            return False
        scores, flipped = self._score(fresh // n, fresh % n)
        keys = np.concatenate([self._keys, fresh])
        order = np.argsort(keys)
        self._keys = keys[order]
        self.scores = np.concatenate([self.scores, scores])[order]
        self.flipped = np.concatenate([self.flipped, flipped])[order]
        return True

    def keepers(self, threshold: float) -> Indices:
        """Return which picture each one goes with, at a threshold."""
        same = self.scores >= threshold
        return greedy_leader(len(self.rows), self.left[same], self.right[same], self._order)

    def settle(self, threshold: float) -> Indices:
        """Verify further candidates until those kept have none left among them.

        Where many are the same, the nearest few of each are all dropped, and who is kept may still
        have a duplicate among those kept. Each round compares the kept ones with each other, and
        one whose keeper was dropped with who dropped that.

        Returns:
            Which picture each one goes with.
        """
        n = len(self.rows)
        keeper = self.keepers(threshold)
        orphans = _NO_PAIRS
        while (keeper != np.arange(n)).any() and self.more(np.unique(keeper), orphans):
            before, keeper = keeper, self.keepers(threshold)
            if np.array_equal(before, keeper):
                break
            orphaned = np.flatnonzero((keeper == np.arange(n)) & (before != np.arange(n)))
            orphans = pair_keys(n, orphaned, keeper[before[orphaned]])
        return keeper

    def calibration(self) -> Calibration:
        """Compare copies of sampled pictures with the candidates and with random pairs."""
        n = len(self.rows)
        sampled = np.sort(self._rng.choice(n, min(n, _SAMPLED), replace=False))
        originals = self._pictures.large(sampled)
        jpegs = self._pictures.thumbnails(sampled) if n else []
        sides = self._samples.long_side[self.rows[sampled]]
        made = [
            grey_copies(jpeg, side, GREY_SIDE, self._rng)
            for jpeg, side in zip(jpegs, sides.tolist(), strict=True)
        ]
        copies = {
            kind: score_copies(originals, np.stack([copy[kind] for copy in made]))
            for kind in (made[0] if made else ())
        }
        left, right = self._rng.integers(0, max(n, 1), (2, _RANDOM_PAIRS if n > 1 else 0))
        apart = pair_keys(max(n, 1), left[left != right], right[left != right])
        random, _ = self._score(apart // max(n, 1), apart % max(n, 1))
        return calibrate(copies, self.scores, random)

    def _score(self, left: Indices, right: Indices) -> tuple[Vectors, NDArray[np.bool_]]:
        return score_pairs(self._pictures, left, right, progress=self._progress)


def _renumbered(keys: Indices, rows: Indices, n: int) -> Indices:
    """Pair keys among `len(rows)` chosen rows as pair keys among all `n`."""
    m = max(len(rows), 1)
    return pair_keys(n, rows[keys // m], rows[keys % m])

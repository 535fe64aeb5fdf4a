"""Whether pairs of pictures are copies, changed views or different: verified on their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.calibration import PairCalibration, PairThresholds, calibrate
from tamis.algo.verification import COARSE_SIDE, GREY_SIDE
from tamis.data.grey_pictures import GreyPictures
from tamis.data.images.copies import grey_copies
from tamis.pipelines.comparison import NO_REGIONS, Comparison
from tamis.pipelines.same_shot import score_copies, score_pairs
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.data.store import Store
    from tamis.types import Indices, Progress

__all__ = ["PairVerifier"]

_SAMPLED, _RANDOM_PAIRS = 100, 500
_TEMPLATE_SHARE = 0.01


class PairVerifier:
    """Compares pictures of a dataset by their pixels, two at a time.

    Thumbnails are decoded once where memory allows; the files are opened only for pairs that the
    thumbnails leave on the line between copy and changed.
    """

    def __init__(
        self, store: Store, ids: Sequence[str], *, progress: Progress = no_progress
    ) -> None:
        """Decode the thumbnails.

        Args:
            store: the dataset.
            ids: samples that have a thumbnail.
            progress: told how many pairs are compared.
        """
        self._pictures = GreyPictures(store, ids, small=COARSE_SIDE, large=GREY_SIDE)
        self._n, self._progress = len(ids), progress

    def compare(self, left: Indices, right: Indices) -> Comparison:
        """Compare pairs of pictures.

        Args:
            left: `[P]` numbers of `ids`.
            right: `[P]` numbers of `ids`.
        """
        view, flipped = score_pairs(self._pictures, left, right, progress=self._progress)
        nowhere = (NO_REGIONS,) * len(left)
        undecidable = np.zeros(len(left), np.bool_)
        return Comparison(view.copy(), view, undecidable, flipped, nowhere, nowhere)

    def calibrate(self, candidates: Comparison, rng: np.random.Generator) -> PairCalibration:
        """Find the thresholds for these pictures.

        Copies made of sampled pictures, random pairs and the candidates all enter.

        Args:
            candidates: pairs of nearest neighbours, compared.
            rng: draws the pictures, the pairs and the crops.
        """
        n = self._n
        sampled = np.sort(rng.choice(n, min(n, _SAMPLED), replace=False))
        originals = self._pictures.large(sampled)
        jpegs = self._pictures.thumbnails(sampled) if n else []
        made = [grey_copies(jpeg, 1 << 20, GREY_SIDE, rng) for jpeg in jpegs]
        copies = {
            kind: score_copies(originals, np.stack([copy[kind] for copy in made]))
            for kind in (made[0] if made else ())
        }
        left, right = rng.integers(0, max(n, 1), (2, _RANDOM_PAIRS if n > 1 else 0))
        random = self.compare(left[left != right], right[left != right])
        found = calibrate(copies, candidates.score, random.score)
        thresholds = PairThresholds(found.threshold, max(found.threshold - 0.1, 0.6))
        passing = [
            float((random.score >= line).mean()) if len(random) else 0.0
            for line in (thresholds.copy, thresholds.changed)
        ]
        return PairCalibration(
            thresholds=thresholds,
            separable=found.separable,
            false_pair_rate=found.false_pair_rate,
            recall=found.recall,
            random_pass_rate=(passing[0], passing[1]),
            shared_template=passing[1] > _TEMPLATE_SHARE,
            sampled=len(sampled),
            notes=(),
        )

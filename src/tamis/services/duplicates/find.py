"""The search for duplicates, from candidates to marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.calibration import PairThresholds
from tamis.data.embedded import read_embedded
from tamis.errors import UsageError
from tamis.services.duplicates.outcome import outcome
from tamis.services.duplicates.samples import Samples
from tamis.services.duplicates.search import Search
from tamis.types import no_progress

if TYPE_CHECKING:
    from tamis.data.store import Store
    from tamis.services.duplicates.report import DuplicateReport
    from tamis.types import Progress

__all__ = ["find_duplicates"]

_CHANGED_FROM = 0.7


def find_duplicates(
    store: Store,
    *,
    column: str | None = None,
    threshold: float | str = "auto",
    apply: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> DuplicateReport:
    """Find pictures of the same shot, and which of each group to keep.

    Candidates are equal files, the 8 nearest by vector and the 4 nearest by perceptual hash
    (mirrored too); each is then registered and compared in its fine detail, so that alike
    pictures are not taken for the same (`tamis.algo.verification`). Found are copies that were
    recompressed, scaled, cropped to 70 % of the sides or more, brightened, blurred, mirrored or
    captioned; not rotated ones, nor pictures without any texture unless the files are equal.

    The best of each group stays: most pixels, then sharpest (in steps of four), with its EXIF
    data, most bytes, first path. Each dropped picture is a verified duplicate of its keeper, and
    no two kept ones are a verified pair. The same pictures give the same answer in any order.

    With `apply`, one operation sets `duplicate_of` (the keeper's sample id), `duplicate_score`,
    `duplicate_kind` and `duplicate_group` (joins chains, for splits), and clears older ones.
    Nothing is deleted from disk.

    Cost: neighbours as in `knn_graph`, then about 1 ms to decode a picture, .4 ms of one core a
    candidate, .5 ms more for each not ruled out at 32 pixels, and 2 ms for each that is the same:
    47 CPU seconds for 3,781 photographs (25,000 candidates), 12 for 2,000 textures. It grows with
    the candidates, at most 16 a picture, so about 20 minutes of one core for 100,000. Memory: the
    vectors, 1 KB a picture and .5 GB.

    Args:
        store: the dataset.
        column: vector column; if None the one with the most vectors.
        threshold: least verification score in (0, 1], or `auto`: midway between what copies and
            what different pictures score in this dataset (`tamis.algo.calibration`).
        apply: set the marks.
        seed: the only source of chance.
        progress: told how many candidates are compared.

    Raises:
        UsageError: the threshold is out of range, or there are no vectors.
    """
    given = _checked_threshold(threshold)
    rng = np.random.default_rng(seed)
    embedded = read_embedded(store, column)
    samples = Samples.read(store)
    search = Search(store, samples, embedded, rng=rng, progress=progress)
    search.more(np.arange(len(search.rows)))
    calibration = None
    if given is None:
        calibration = search.calibration()
    if given is not None:
        thresholds = PairThresholds(given, min(given, _CHANGED_FROM))
    else:
        assert calibration is not None
        thresholds = calibration.thresholds
    keeper = search.settle(thresholds)
    report, marks = outcome(
        samples,
        search,
        keeper,
        thresholds=thresholds,
        calibration=calibration,
        column=embedded.column,
    )
    if apply:
        params: dict[str, Any] = {"threshold": threshold, "column": embedded.column}
        with store.operation("duplicates", params, seed) as op:
            op.set_marks(samples.ids, marks)
            dropped = sum(len(group.drop) for group in report.groups)
            op.counts |= {
                "groups": len(report.groups),
                "duplicates": dropped,
                "pairs": len(report.pairs),
                "threshold": thresholds.copy,
                "candidates": report.candidates,
            }
            if calibration is not None:
                op.counts |= {"false_pair_rate": calibration.false_pair_rate}
    return report


def _checked_threshold(threshold: float | str) -> float | None:
    if threshold == "auto":
        return None
    if isinstance(threshold, str) or not 0 < threshold <= 1:
        raise UsageError(f"the threshold has to be 'auto' or a score in (0, 1], not {threshold!r}")
    return float(threshold)

"""Which rows show a drift most, and which of them to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.two_sample.random_features import (
    median_distance,
    random_features,
    random_frequencies,
)
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.algo.two_sample import Pooled
    from tamis.types import Indices

__all__ = ["DriftedRows", "drifted_rows"]

_CHUNK: Final = 4096
_QUANTILE: Final = 0.95


@dataclass(frozen=True)
class DriftedRows:
    """How much each row is of the batch's kind.

    Attributes:
        witness: `[N]` float64, of each pooled row: how much denser the batch is around it than the
            reference, rows of its own block left out.
        threshold: what one row in 20 of the reference exceeds.
        shown: pooled rows of the batch that show the drift most, the clearest first.
        missing: pooled rows of the reference that the batch lacks most.
        picks: pooled rows of the batch to label: they show the drift and are unlike each other.
    """

    witness: NDArray[np.float64]
    threshold: float
    shown: Indices
    missing: Indices
    picks: Indices


def drifted_rows(pooled: Pooled, n: int, *, rng: np.random.Generator) -> DriftedRows:
    """Rank rows by MMD's witness function (Gretton and others 2012, section 2.3).

    The witness is the mean kernel to the batch less that to the reference, by random features.
    Picks are the row of the highest witness, then each time the row whose witness, times one less
    its kernel to the nearest picked row, is highest: clear cases that are unlike each other.
    O(N D F + n N F).

    Args:
        pooled: both sides.
        n: how many rows of each kind.
        rng: draws features.

    Raises:
        UsageError: `n` is under 1.

    Example:
        >>> from tamis.algo.two_sample import pool
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(100, 4))
        >>> X[97:, 0] += 9
        >>> pooled = pool(X[:50], X[50:], rng=rng)
        >>> sorted(pooled.row[drifted_rows(pooled, 3, rng=rng).shown].tolist())
        [97, 98, 99]
    """
    if n < 1:
        raise UsageError(f"rows to show must be at least 1, not {n}")
    used = np.arange(len(pooled.X))
    frequencies = random_frequencies(pooled.X.shape[1], median_distance(pooled.X, used, rng), rng)
    features = np.concatenate(
        [
            random_features(pooled.X[start : start + _CHUNK], frequencies)
            for start in range(0, len(pooled.X), _CHUNK)
        ]
    )
    witness = _witness(pooled, features)
    batch, reference = np.flatnonzero(pooled.batch), np.flatnonzero(~pooled.batch)
    shown = batch[np.argsort(-witness[batch], kind="stable")]
    missing = reference[np.argsort(witness[reference], kind="stable")]
    threshold = float(np.quantile(witness[reference], _QUANTILE))
    # Only what is denser in the batch than in the reference shows what is new.
    denser = shown[: max(min(n, shown.size), int(np.count_nonzero(witness[shown] > 0)))]
    picks = denser[_clear_and_apart(features[denser], witness[denser], n)]
    return DriftedRows(witness, threshold, shown[:n], missing[:n], picks)


def _witness(pooled: Pooled, features: NDArray[np.float32]) -> NDArray[np.float64]:
    blocks = int(pooled.block.max()) + 1
    sums = np.zeros((blocks, features.shape[1]))
    order = np.argsort(pooled.block, kind="stable")
    first = np.searchsorted(pooled.block[order], np.arange(blocks))
    sums = np.add.reduceat(features[order], first, axis=0, dtype=np.float64)
    sizes = np.bincount(pooled.block).astype(np.float64)
    of_batch = pooled.batch[order[first]]
    own = np.einsum("nf,nf->n", features, sums[pooled.block].astype(np.float32))
    likeness = []
    for side in (True, False):
        mine = pooled.batch == side
        total = features.astype(np.float64) @ sums[of_batch == side].sum(axis=0)
        rows = np.full(len(features), sizes[of_batch == side].sum())
        total[mine] -= own[mine]
        rows[mine] -= sizes[pooled.block[mine]]
        likeness.append(total / rows)
    witness: NDArray[np.float64] = likeness[0] - likeness[1]
    return witness


def _clear_and_apart(
    features: NDArray[np.float32], witness: NDArray[np.float64], n: int
) -> Indices:
    """Each time the row whose witness, times how unlike it is to those taken, is largest."""
    left = np.maximum(witness, np.finfo(np.float64).tiny)
    unlike = np.ones(len(features))
    taken: list[int] = []
    while len(taken) < min(n, len(features)):
        gain = left * unlike
        gain[taken] = -1.0
        taken.append(int(gain.argmax()))
        likeness = features @ features[taken[-1]]
        np.minimum(unlike, np.maximum(1.0 - likeness, 0.0), out=unlike)
    return np.array(taken, np.int64)

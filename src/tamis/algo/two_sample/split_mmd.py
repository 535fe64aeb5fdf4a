"""Whether splits look alike: maximum mean discrepancy, against random splits of whole groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.two_sample.random_features import (
    median_distance,
    random_features,
    random_frequencies,
)
from tamis.algo.two_sample.unit_kernel import FeatureKernel, kernel_distance
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Discrepancy", "discrepancies"]

_CHUNK, _AT_ONCE = 4096, 50


@dataclass(frozen=True)
class Discrepancy:
    """How far a split lies from the other splits together.

    Attributes:
        mmd2: unbiased estimate of the squared MMD; about 0, also below, where both are alike.
        random: mean of the same over random splits of the groups.
        p: share of random splits that are as far apart or farther, (1 + #) / (B + 1).
    """

    mmd2: float
    random: float
    p: float


def discrepancies(
    X: Vectors,
    split: Indices,
    groups: Indices,
    *,
    permutations: int = 499,
    most: int = 10_000,
    rng: np.random.Generator,
) -> list[Discrepancy | None]:
    """Compare each split with the others together by MMD (Gretton and others 2012, section 2).

    The kernel is the mean of three Gaussians at half, once and twice the median distance, by
    random Fourier features (Rahimi and Recht 2007), so that a group is one vector: the sum of
    its rows' features. Pairs within a group are left out of the estimate, and the permutations
    deal whole groups to the splits, as many to each as it has. Frames of one video, which are
    alike, thus count as one draw and not as many. A group that lies in two splits counts once in
    each. O(n F D + B G F) with F = 768, n at most `most` rows and G their groups; O(G F) memory.

    Args:
        X: `[N, D]` float32 unit vectors.
        split: `[N]` splits, numbered from 0.
        groups: `[N]` group of each row, 0 or more.
        permutations: B, random splits to compare with.
        most: rows looked at; of more, random whole groups.
        rng: draws features, groups and permutations.

    Returns:
        For each split number up to the highest; None for a split of fewer than two groups, and
        where fewer than two groups are outside.

    Raises:
        UsageError: lengths differ, or `permutations` is under 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((200, 8)).astype(np.float32)
        >>> X[:50, 0] += 2
        >>> X /= np.linalg.norm(X, axis=1, keepdims=True)
        >>> split = (np.arange(200) < 50).astype(np.int64)
        >>> [round(found.p, 3) for found in discrepancies(X, split, np.arange(200), rng=rng)]
        [0.002, 0.002]
    """
    if not len(X) == len(split) == len(groups):
        raise UsageError(
            f"{len(X)} vectors, {len(split)} splits and {len(groups)} groups: give each row one"
        )
    if permutations < 1:
        raise UsageError(f"permutations must be at least 1, not {permutations}")
    k = int(split.max(initial=-1)) + 1
    both = np.unique(np.stack([groups, split]), axis=1, return_inverse=True)
    (_, split_of), unit = both[0], both[1].ravel()
    rows = _sampled(unit, most, rng)
    kept, unit = np.unique(unit[rows], return_inverse=True)
    split_of = split_of[kept]
    if kept.size == 0:
        return [None] * k
    sizes = np.bincount(unit).astype(np.float64)
    kernel = FeatureKernel.of(_group_sums(X, rows, unit, rng), sizes)
    seen = _statistics(kernel, split_of[None], k)[0]
    random = np.concatenate(
        [
            _statistics(kernel, rng.permuted(np.tile(split_of, (count, 1)), axis=1), k)
            for count in _batches(permutations)
        ]
    )
    # Rounding of float32 sums must not tell the split from a permutation that is the same.
    reached = random >= seen - 1e-6 * np.maximum(np.abs(seen), 1e-3)
    return [
        None
        if np.isnan(seen[s])
        else Discrepancy(
            float(seen[s]),
            float(random[:, s].mean()),
            float((1 + np.count_nonzero(reached[:, s])) / (permutations + 1)),
        )
        for s in range(k)
    ]


def _sampled(unit: Indices, most: int, rng: np.random.Generator) -> Indices:
    """Rows of random whole groups, about `most` of them; all rows if there are no more."""
    if unit.size <= most:
        return np.arange(unit.size)
    size = np.bincount(unit)
    order = rng.permutation(size.size)
    chosen = np.zeros(size.size, np.bool_)
    chosen[order[: max(1, int(np.searchsorted(np.cumsum(size[order]), most)))]] = True
    return np.flatnonzero(chosen[unit])


def _group_sums(
    X: Vectors, rows: Indices, unit: Indices, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Sum the features of each group: `[G, F]`; the features of a row have length 1."""
    median = median_distance(X, rows, rng)
    drawn = random_frequencies(X.shape[1], median, rng)
    sums = np.zeros((int(unit.max()) + 1, 2 * drawn.shape[1]), np.float32)
    order = np.argsort(unit, kind="stable")
    for at in range(0, order.size, _CHUNK):
        part = order[at : at + _CHUNK]
        names, first = np.unique(unit[part], return_index=True)
        sums[names] += np.add.reduceat(random_features(X[rows[part]], drawn), first, axis=0)
    return sums


def _batches(permutations: int) -> list[int]:
    whole, rest = divmod(permutations, _AT_ONCE)
    return [_AT_ONCE] * whole + [rest] * (rest > 0)


def _statistics(kernel: FeatureKernel, split_of: Indices, k: int) -> NDArray[np.float64]:
    """Unbiased squared MMD of each split and the rest, pairs within groups left out.

    Args:
        kernel: of the groups.
        split_of: `[B, G]`.
        k: how many splits.

    Returns:
        `[B, k]`; NaN where there is no pair of groups.
    """
    b, n = split_of.shape
    inside = (split_of[:, None, :] == np.arange(k)[:, None]).reshape(b * k, n)
    return kernel_distance(kernel, inside).reshape(b, k)

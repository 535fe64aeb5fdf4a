"""Whether splits look alike: maximum mean discrepancy, against random splits of whole groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices, Vectors

__all__ = ["Discrepancy", "discrepancies"]

_FREQUENCIES = 128
_BANDWIDTHS = (0.5, 1.0, 2.0)
_MEDIAN_PAIRS = 5000
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
    sums = _group_sums(X, rows, unit, rng)
    size = np.bincount(unit).astype(np.float64)
    own = np.einsum("gf,gf->g", sums, sums, dtype=np.float64)
    seen = _statistics(sums, own, size, split_of[None], k)[0]
    random = np.concatenate(
        [
            _statistics(sums, own, size, rng.permuted(np.tile(split_of, (count, 1)), axis=1), k)
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
    left, right = rows[rng.integers(0, rows.size, (2, _MEDIAN_PAIRS))]
    distance = np.linalg.norm(X[left] - X[right], axis=1)
    distance = distance[distance > 0]
    median = float(np.median(distance)) if distance.size else 1.0
    drawn = rng.standard_normal((X.shape[1], len(_BANDWIDTHS) * _FREQUENCIES), dtype=np.float32)
    drawn /= np.repeat(np.array(_BANDWIDTHS, np.float32) * np.float32(median), _FREQUENCIES)
    count = drawn.shape[1]
    sums = np.zeros((int(unit.max()) + 1, 2 * count), np.float32)
    order = np.argsort(unit, kind="stable")
    for at in range(0, order.size, _CHUNK):
        part = order[at : at + _CHUNK]
        angle = X[rows[part]] @ drawn
        features = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) / np.float32(
            np.sqrt(count)
        )
        names, first = np.unique(unit[part], return_index=True)
        sums[names] += np.add.reduceat(features, first, axis=0)
    return sums


def _batches(permutations: int) -> list[int]:
    whole, rest = divmod(permutations, _AT_ONCE)
    return [_AT_ONCE] * whole + [rest] * (rest > 0)


def _statistics(
    sums: NDArray[np.float32],
    own: NDArray[np.float64],
    size: NDArray[np.float64],
    split_of: Indices,
    k: int,
) -> NDArray[np.float64]:
    """Unbiased squared MMD of each split and the rest, pairs within groups left out.

    Args:
        sums: `[G, F]`.
        own: `[G]` squared lengths of the sums.
        size: `[G]` rows.
        split_of: `[B, G]`.
        k: how many splits.

    Returns:
        `[B, k]`; NaN where there is no pair of groups.
    """
    b, n = split_of.shape
    inside = (split_of[:, None, :] == np.arange(k)[:, None]).reshape(b * k, n)
    total = np.asarray(inside.astype(np.float32) @ sums, np.float64)
    weights = np.stack([np.ones(n), size, size**2, own], axis=1)
    here = inside.astype(np.float64) @ weights
    beyond = weights.sum(axis=0) - here
    outside = sums.sum(axis=0, dtype=np.float64) - total
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = (
            _mean_of_pairs(total, here)
            + _mean_of_pairs(outside, beyond)
            - 2 * np.einsum("sf,sf->s", total, outside) / (here[:, 1] * beyond[:, 1])
        )
    found[(here[:, 0] < 2) | (beyond[:, 0] < 2)] = np.nan  # noqa: PLR2004 - a pair needs two
    return found.reshape(b, k)


def _mean_of_pairs(total: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean kernel of pairs of rows of different groups, by sums over the groups."""
    _, rows, squares, own = weights.T
    pairs: NDArray[np.float64] = np.einsum("sf,sf->s", total, total) - own
    mean: NDArray[np.float64] = pairs / (rows**2 - squares)
    return mean

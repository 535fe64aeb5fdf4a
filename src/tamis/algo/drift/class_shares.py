"""How frequent each class is in a batch without labels, if classes look as they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import t as student

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ClassShares", "class_shares"]

_ROUNDS: Final = 1000
_CLOSE: Final = 1e-8
_TAIL: Final = 0.975
_SMALLEST: Final = 1e-9


@dataclass(frozen=True)
class ClassShares:
    """Shares of classes in a batch without labels.

    Attributes:
        reference: `[K]` shares in the reference.
        batch: `[K]` estimated shares where the batch comes from.
        low: `[K]` lower ends of 95 % intervals.
        high: `[K]` upper ends.
        likeliest: `[K]` shares that make the probabilities likeliest (Saerens and others 2002),
            which are right where the probabilities are calibrated.
        confusion: `[K]` shares by the confusion matrix of predicted classes (BBSE), to compare
            with; NaN where the matrix cannot be inverted.
    """

    reference: NDArray[np.float64]
    batch: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    likeliest: NDArray[np.float64]
    confusion: NDArray[np.float64]


def class_shares(
    reference: NDArray[Any],
    classes: Indices,
    batch: NDArray[Any],
    *,
    blocks: tuple[Indices | None, Indices | None] = (None, None),
) -> ClassShares:
    """Estimate how frequent each class is in a batch, if classes look as they did.

    The shares that make the probabilities likeliest (Saerens, Latinne and Decaestecker 2002) are
    off where the probabilities are not calibrated. So the probabilities, weighted by these shares,
    only serve as features: the shares reported are those at which the features' means over the
    classes of the reference add up to their mean over the batch (Lipton, Wang and Smola 2018, with
    probabilities in place of predictions). They are right whatever the probabilities are, and
    nearly as exact as the likeliest where these are calibrated.

    Intervals are Wilson's, with what the classifier adds to the binomial: a share is inside if the
    estimate is within 1.96 standard errors of it, and the standard errors are those that this very
    share would have. They count the draw of blocks on both sides. O(R M K + N K²), R rounds of
    expectation maximization.

    Args:
        reference: `[N, K]` probabilities on rows that the classifier was not fitted on.
        classes: `[N]` their true classes; each class at least once.
        batch: `[M, K]` probabilities.
        blocks: `[N]` and `[M]` block of each row; None where each row is a draw of its own.

    Raises:
        UsageError: shapes differ, a class has no row, or the batch has under two draws.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> sure = np.array([[0.9, 0.1], [0.1, 0.9]])
        >>> y = np.repeat([0, 1], [50, 50])
        >>> seen = sure[np.where(rng.random(100) < 0.9, y, 1 - y)]
        >>> batch = sure[np.repeat([0, 1], [74, 26])]
        >>> class_shares(seen, y, batch).batch.round(1).tolist()
        [0.8, 0.2]
    """
    p, q = np.asarray(reference, np.float64), np.asarray(batch, np.float64)
    if p.ndim != 2 or q.ndim != 2 or p.shape[1] != q.shape[1] or len(p) != len(classes):  # noqa: PLR2004 - rows and columns
        raise UsageError(
            f"probabilities of shapes {p.shape} and {q.shape} and {len(classes)} classes do not "
            "fit together: give each row of the reference its class"
        )
    k = p.shape[1]
    counts = np.bincount(classes, minlength=k)
    if counts.size > k or (counts == 0).any():
        raise UsageError(
            f"each of {k} classes must be in the reference, which has {counts.tolist()} of them"
        )
    names = [_numbered(own, n) for own, n in zip(blocks, (len(p), len(q)), strict=True)]
    draws = int(names[1].max(initial=-1)) + 1
    if draws < 2:  # noqa: PLR2004 - one draw shows no spread
        raise UsageError(
            f"the batch has {draws} independent rows or blocks: give at least two, better 50"
        )
    prior = counts / counts.sum()
    likeliest = _likeliest(q, prior)
    confusion = _by_confusion(p, classes, q, prior)
    # a class that seems absent keeps a weight, or nothing would tell it from the others
    weights = (len(q) * likeliest + k * prior) / (len(q) + k) / prior
    p, q = _weighted(p, weights), _weighted(q, weights)
    means = np.zeros((k, k))
    np.add.at(means, classes, p)
    means /= counts[:, None]
    if np.linalg.matrix_rank(means) < k:
        return ClassShares(prior, likeliest, np.zeros(k), np.ones(k), likeliest, confusion)
    # columns whose mean is 1 over their own class and 0 over each other class
    turned = np.linalg.inv(means)
    p, q = p @ turned, q @ turned
    found = np.clip(q.mean(axis=0), 0.0, 1.0)
    low, high = _intervals(found, (p, q), classes, counts, names)
    shares = found / found.sum()
    return ClassShares(
        prior, shares, np.minimum(low, shares), np.maximum(high, shares), likeliest, confusion
    )


def _intervals(
    found: NDArray[np.float64],
    sides: tuple[NDArray[np.float64], NDArray[np.float64]],
    classes: Indices,
    counts: NDArray[np.int64],
    names: list[Indices],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`[K]` lower and upper ends of the shares that do not contradict those found."""
    p, q = sides
    k = found.size
    within = p - np.eye(k)[classes]
    squares = np.zeros((k, k))
    np.add.at(squares, classes, within**2)
    # of class y in column k; a class of few rows borrows one of the spread of all
    spread = (squares + squares.sum(axis=0) / len(p)) / counts[:, None]
    others = np.where(np.eye(k, dtype=np.bool_), 0.0, np.maximum(found, _SMALLEST)[:, None])
    others /= others.sum(axis=0)
    share = found / counts
    effect_p = _design_effect(within * share[classes][:, None], names[0])
    effect_q = _design_effect(q - q.mean(axis=0), names[1]) / len(q)
    own = np.diag(spread)
    rest = (others * spread).sum(axis=0)
    finite = effect_p * (others**2 * spread / counts[:, None]).sum(axis=0)
    # variance of the estimate where the share is s: constant + linear s + square s²
    constant = effect_q * rest + finite
    linear = effect_q * (1 + own - rest) - 2 * finite
    square = -effect_q + effect_p * own / counts + finite
    z2 = float(student.ppf(_TAIL, int(names[1].max()))) ** 2
    a, b, c = 1 - z2 * square, 2 * found + z2 * linear, found**2 - z2 * constant
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0.0))
    bounded = a > 0
    twice = np.where(bounded, 2 * a, 1.0)
    low = np.where(bounded, (b - root) / twice, 0.0)
    high = np.where(bounded, (b + root) / twice, 1.0)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _design_effect(values: NDArray[np.float64], blocks: Indices) -> NDArray[np.float64]:
    """How many times larger the variance of a sum is than if rows were drawn one by one; `[K]`."""
    count = int(blocks.max()) + 1
    if count == len(values):
        return np.ones(values.shape[1])
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, blocks, values)
    alone = (values**2).sum(axis=0)
    together = (sums**2).sum(axis=0) * count / max(1, count - 1)
    # where nothing varies, a block counts as one row
    unknown = alone <= _SMALLEST**2 * len(values)
    found = np.where(unknown, len(values) / count, together / np.where(unknown, 1.0, alone))
    return np.maximum(found, 1.0)


def _weighted(
    probabilities: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the probabilities are where classes are as many times more frequent."""
    weighted: NDArray[np.float64] = probabilities * weights
    total = weighted.sum(axis=1, keepdims=True)
    weighted /= np.maximum(total, np.finfo(np.float64).tiny)
    return weighted


def _likeliest(
    probabilities: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shares of classes that make the probabilities likeliest, by expectation maximization."""
    shares = prior
    for _ in range(_ROUNDS):
        found: NDArray[np.float64] = _weighted(probabilities, shares / prior).mean(axis=0)
        if np.abs(found - shares).max() < _CLOSE:
            return found
        shares = found
    return shares


def _by_confusion(
    p: NDArray[np.float64], classes: Indices, q: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shares by black box shift estimation: predictions of the batch through the confusion."""
    k = p.shape[1]
    confusion = np.zeros((k, k))
    np.add.at(confusion, (p.argmax(axis=1), classes), 1 / len(p))
    if np.linalg.matrix_rank(confusion) < k:
        return np.full(k, np.nan)
    predicted = np.bincount(q.argmax(axis=1), minlength=k) / len(q)
    shares = np.maximum(np.linalg.solve(confusion, predicted), 0.0) * prior
    found: NDArray[np.float64] = shares / shares.sum()
    return found


def _numbered(blocks: Indices | None, n: int) -> Indices:
    """The block of each row, from 0."""
    names = np.arange(n) if blocks is None else np.asarray(blocks)
    if len(names) != n:
        raise UsageError(f"{n} rows and {len(names)} blocks: give each row one")
    number: Indices = np.unique(names, return_inverse=True)[1].reshape(-1)
    return number

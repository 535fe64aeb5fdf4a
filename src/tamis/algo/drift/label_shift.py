"""Whether classes have become more or less frequent, or look different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tamis.algo.two_sample import (
    ShareStatistic,
    deals,
    evaluated,
    mmd_test,
    p_values,
    pool,
    unit_counts,
)
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ClassShares", "ShiftKind", "class_shares", "shift_kind"]

_ROUNDS: Final = 1000
_RESAMPLES: Final = 200
_CLOSE: Final = 1e-8
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True)
class ClassShares:
    """Shares of classes in a batch without labels.

    Attributes:
        reference: `[K]` shares in the reference.
        batch: `[K]` estimated shares in the batch.
        low: `[K]` lower ends of 95 % intervals.
        high: `[K]` upper ends.
        confusion: `[K]` the same shares by the confusion matrix (BBSE), to compare with; NaN where
            the matrix cannot be inverted.
    """

    reference: NDArray[np.float64]
    batch: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confusion: NDArray[np.float64]


def class_shares(
    reference: NDArray[Any],
    classes: Indices,
    batch: NDArray[Any],
    *,
    blocks: tuple[Indices | None, Indices | None] = (None, None),
    rng: np.random.Generator,
) -> ClassShares:
    """Estimate how frequent each class is in a batch, if classes look as they did.

    By maximum likelihood over calibrated probabilities (Saerens, Latinne and Decaestecker 2002);
    beside it by the confusion matrix (Lipton, Wang and Smola 2018). Intervals are of 200
    bootstrap samples of blocks. O(200 R M K), R rounds of expectation maximisation.

    Args:
        reference: `[N, K]` calibrated probabilities on rows that the classifier was not fitted on.
        classes: `[N]` their true classes; each class at least once.
        batch: `[M, K]` calibrated probabilities.
        blocks: `[N]` and `[M]` block of each row; None where each row is a draw of its own.
        rng: draws bootstrap samples.

    Raises:
        UsageError: shapes differ, a class has no row, or the batch is empty.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> sure = np.array([[0.9, 0.1], [0.1, 0.9]])
        >>> y = np.repeat([0, 1], [50, 50])
        >>> seen = sure[np.where(rng.random(100) < 0.9, y, 1 - y)]
        >>> batch = sure[np.repeat([0, 1], [74, 26])]
        >>> class_shares(seen, y, batch, rng=rng).batch.round(1).tolist()
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
    if len(q) == 0:
        raise UsageError("the batch is empty: give at least one row")
    prior = counts / counts.sum()
    shares = _likeliest(q, prior)
    by_block = [_by_block(own, n) for own, n in zip(blocks, (len(p), len(q)), strict=True)]
    drawn = np.empty((_RESAMPLES, k))
    for number in range(_RESAMPLES):
        mine = _resampled(by_block[0], rng)
        theirs = _resampled(by_block[1], rng)
        resampled = np.bincount(classes[mine], minlength=k) + 1e-9
        drawn[number] = _likeliest(q[theirs], resampled / resampled.sum(), start=shares)
    low, high = np.percentile(drawn, _INTERVAL, axis=0)
    return ClassShares(prior, shares, low, high, _by_confusion(p, classes, q, prior))


@dataclass(frozen=True)
class ShiftKind:
    """What kind of shift explains a batch.

    Attributes:
        kind: `none`; `label` where classes look as they did but are more or less frequent;
            `covariate` where they look different and are predicted as often as before; `both`.
        p_frequency: of the frequencies of the predicted classes.
        p_look: of the vectors, against rows of the reference drawn so that each class is as
            frequent as in the batch.
        rows: of the reference that were drawn.
    """

    kind: Literal["none", "label", "covariate", "both"]
    p_frequency: float
    p_look: float
    rows: int


def shift_kind(
    X: NDArray[Any],
    classes: Indices,
    predicted: Indices,
    Y: NDArray[Any],
    batch_predicted: Indices,
    *,
    shares: NDArray[np.float64],
    blocks: tuple[Indices | None, Indices | None] = (None, None),
    level: float = 0.05,
    permutations: int = 999,
    rng: np.random.Generator,
) -> ShiftKind:
    """Tell a change of the classes' frequencies from a change of their looks.

    A change of frequencies alone leaves nothing to see once the reference is drawn anew with the
    batch's frequencies; MMD tests whether it does. A change of looks moves predictions too, so
    `both` says that looks changed and that frequencies may have. Each test has `level`.

    Args:
        X: `[N, D]` vectors of the reference.
        classes: `[N]` true classes of the reference.
        predicted: `[N]` classes predicted out of fold.
        Y: `[M, D]` vectors of the batch.
        batch_predicted: `[M]` predicted classes.
        shares: `[K]` estimated shares in the batch, of `class_shares`.
        blocks: `[N]` and `[M]` block of each row; None where each row is a draw of its own.
        level: what each p-value is held against.
        permutations: B.
        rng: draws rows and permutations.

    Raises:
        UsageError: what `pool` raises.
    """
    pooled = pool(X, Y, blocks=blocks, rng=rng)
    labels = np.concatenate([predicted, batch_predicted])[pooled.row].astype(np.int64)
    dealt = deals(pooled.unit_is_batch, permutations, rng)
    chi = evaluated(ShareStatistic(unit_counts(pooled, labels)), dealt)
    p_frequency = float(p_values(chi)[0])
    rows = _matched(classes, shares, rng)
    own = None if blocks[0] is None else blocks[0][rows]
    matched = pool(X[rows], Y, blocks=(own, blocks[1]), rng=rng)
    p_look = mmd_test(matched, permutations=permutations, rng=rng).p
    frequency, look = p_frequency <= level, p_look <= level
    kind: Literal["none", "label", "covariate", "both"] = "none"
    if frequency and look:
        kind = "both"
    elif look:
        kind = "covariate"
    elif frequency:
        kind = "label"
    return ShiftKind(kind, p_frequency, p_look, int(rows.size))


def _likeliest(
    probabilities: NDArray[np.float64],
    prior: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Shares of classes that make the probabilities likeliest, by expectation maximisation."""
    shares = (prior if start is None else start).copy()
    for _ in range(_ROUNDS):
        weighted: NDArray[np.float64] = probabilities * (shares / prior)
        weighted /= np.maximum(weighted.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        found: NDArray[np.float64] = weighted.mean(axis=0)
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


def _by_block(blocks: Indices | None, n: int) -> list[Indices]:
    if blocks is None:
        return [np.array([row]) for row in range(n)]
    return [np.flatnonzero(blocks == name) for name in np.unique(blocks)]


def _resampled(blocks: list[Indices], rng: np.random.Generator) -> Indices:
    return np.concatenate([blocks[name] for name in rng.integers(0, len(blocks), len(blocks))])


def _matched(classes: Indices, shares: NDArray[np.float64], rng: np.random.Generator) -> Indices:
    """As many rows as possible, none twice, of which each class has its share."""
    counts = np.bincount(classes, minlength=len(shares)).astype(np.float64)
    wanted = shares > 1 / max(2, 2 * classes.size)
    total = float((counts[wanted] / shares[wanted]).min())
    parts = []
    for name in np.flatnonzero(wanted).tolist():
        mine = np.flatnonzero(classes == name)
        parts.append(rng.permutation(mine)[: max(1, int(np.floor(total * shares[name])))])
    return np.sort(np.concatenate(parts))

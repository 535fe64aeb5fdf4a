"""Names for clusters: what sets each apart from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import norm

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Trait", "name_clusters", "scored_traits", "shared_traits"]

_RATE: Final = 0.05
_Z: Final = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Trait:
    """Something that sets a cluster apart.

    Attributes:
        name: such as a label, a word, or `camera: north`.
        effect: logarithm of the ratio of odds inside and outside, or for scores the difference of
            means in standard deviations.
        low: lower end of its 95 % interval; traits are ordered by it.
        inside: share of the cluster's rows that have it, or their mean score.
        outside: the same of all other rows.
        p_value: adjusted for the number of traits and clusters compared.
    """

    name: str
    effect: float
    low: float
    inside: float
    outside: float
    p_value: float


def shared_traits(
    labels: Indices, present: NDArray[np.bool_], names: Sequence[str]
) -> tuple[tuple[Trait, ...], ...]:
    """Return what rows of each cluster have more often than the rest, strongest first.

    Log-odds with half a row added to each count (Haldane 1956, Anscombe 1956); kept is what holds
    at a false-discovery rate of 5 % over all clusters and traits (Benjamini and Hochberg 1995).
    Ordered by the lower end of the interval, so that three rows of three do not beat 90 of 100.
    O(N A).

    Args:
        labels: `[N]` clusters from 0; a negative row is part of the rest.
        present: `[N, A]` which traits each row has: labels, words, values of metadata.
        names: `[A]`.

    Raises:
        UsageError: shapes do not fit.

    Example:
        >>> labels = np.repeat([0, 1], 20)
        >>> found = shared_traits(labels, (labels == 0)[:, None], ["cat"])
        >>> found[0][0].name, len(found[1])
        ('cat', 0)
    """
    _check(labels, present, names)
    inside, sizes = _sums(labels, present.astype(np.float64))
    total = present.sum(axis=0)
    rest = len(labels) - sizes
    cells = [inside, sizes - inside, total - inside, rest - total + inside]
    a, b, c, d = (cell + 0.5 for cell in cells)
    effect = np.log(a * d / (b * c))
    error = np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    shares = inside / np.maximum(sizes, 1), (total - inside) / np.maximum(rest, 1)
    return _significant(effect, error, shares, names)


def scored_traits(
    labels: Indices, scores: NDArray[np.float64], names: Sequence[str]
) -> tuple[tuple[Trait, ...], ...]:
    """Return on what rows of each cluster score higher than the rest, strongest first.

    The difference of means in standard deviations of all rows, with Welch's error (1947); kept
    and ordered as in `shared_traits`. O(N A).

    Args:
        labels: `[N]` clusters from 0; a negative row is part of the rest.
        scores: `[N, A]`, such as the likeness of each row to each word.
        names: `[A]`.

    Raises:
        UsageError: shapes do not fit.
    """
    _check(labels, scores, names)
    spread = scores.std(axis=0)
    level = (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    inside, sizes = _sums(labels, level)
    squares, _ = _sums(labels, level**2)
    rest = np.maximum(len(labels) - sizes, 1)
    many = np.maximum(sizes, 1)
    mean, other = inside / many, (level.sum(axis=0) - inside) / rest
    variance = np.maximum(squares / many - mean**2, 0.0) / many
    variance += np.maximum(((level**2).sum(axis=0) - squares) / rest - other**2, 0.0) / rest
    raw = _sums(labels, scores)[0]
    shares = raw / many, (scores.sum(axis=0) - raw) / rest
    enough = (sizes > 1) & (len(labels) - sizes > 1)
    error = np.where(enough, np.sqrt(variance), np.inf)
    return _significant(mean - other, np.maximum(error, 1e-12), shares, names)


def name_clusters(traits: Sequence[Sequence[Trait]], *, most: int = 2) -> tuple[str, ...]:
    """Name each cluster by the traits that set it apart most; one without is `cluster N`.

    Args:
        traits: of each cluster, strongest first.
        most: how many make a name.

    Example:
        >>> name_clusters([[Trait("cat", 2.0, 1.5, 0.9, 0.1, 0.0)], []])
        ('cat', 'cluster 1')
    """
    return tuple(
        ", ".join(trait.name for trait in found[:most]) or f"cluster {number}"
        for number, found in enumerate(traits)
    )


def _sums(
    labels: Indices, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum values `[k, A]` and rows `[k, 1]` of each cluster."""
    kept = labels >= 0
    k = int(labels.max(initial=-1)) + 1
    sums = np.zeros((k, values.shape[1]))
    np.add.at(sums, labels[kept], values[kept])
    return sums, np.bincount(labels[kept], minlength=k)[:, None].astype(np.float64)


def _significant(
    effect: NDArray[np.float64],
    error: NDArray[np.float64],
    shares: tuple[NDArray[np.float64], NDArray[np.float64]],
    names: Sequence[str],
) -> tuple[tuple[Trait, ...], ...]:
    adjusted = _adjusted(norm.sf(effect / error))
    low = effect - _Z * error
    found = []
    for number in range(len(effect)):
        kept = np.flatnonzero((adjusted[number] <= _RATE) & (low[number] > 0))
        kept = kept[np.argsort(-low[number, kept], kind="stable")]
        found.append(
            tuple(
                Trait(
                    names[at],
                    float(effect[number, at]),
                    float(low[number, at]),
                    float(shares[0][number, at]),
                    float(shares[1][number, at]),
                    float(adjusted[number, at]),
                )
                for at in kept.tolist()
            )
        )
    return tuple(found)


def _adjusted(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust for many comparisons by Benjamini and Hochberg's step-up rule."""
    flat = p_values.ravel()
    order = np.argsort(flat, kind="stable")
    raised = flat[order] * flat.size / np.arange(1, flat.size + 1)
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return adjusted.reshape(p_values.shape)


def _check(
    labels: Indices, values: NDArray[np.bool_] | NDArray[np.float64], names: Sequence[str]
) -> None:
    if values.shape != (len(labels), len(names)):
        raise UsageError(
            f"traits must have the shape {(len(labels), len(names))}, not {values.shape}"
        )

"""Ways to label the rest from a few labels, each able to leave folds of the labels out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from tamis.algo.probe.heads import LinearHead, NeighborHead
from tamis.algo.probe.logistic import LogisticProblem, balanced_weights
from tamis.algo.probe.prototypes import fit_prototypes
from tamis.algo.propagation.diffusion import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from tamis.algo.probe.heads import Head
    from tamis.algo.propagation.diffusion import Diffusion
    from tamis.types import Indices, Vectors

__all__ = [
    "Contender",
    "Graph",
    "Headed",
    "Reached",
    "Seeds",
    "Texts",
    "fit_means",
    "fit_regression",
]

_C: Final = 10.0
_VOTERS: Final = 10
_LEAST: Final = 1e-6
"""Share of a row's reach that a class has at least, so that its logarithm is finite."""


@dataclass(frozen=True)
class Seeds:
    """The labels that are given, in folds.

    Attributes:
        rows: `[S]` row numbers.
        classes: `[S]` class of each.
        fold: `[S]` fold of each, from 0.
        n_classes: how many classes there are.
    """

    rows: Indices
    classes: Indices
    fold: Indices
    n_classes: int

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1

    def without(self, out: Collection[int]) -> Indices:
        """Return which seeds lie in none of the folds."""
        return np.flatnonzero(~np.isin(self.fold, list(out)))


class Contender(Protocol):
    """A way to label rows.

    Attributes:
        name: what the user reads.
        temperature: expected of its logits.
    """

    name: str
    temperature: float

    def held_out(self, out: Collection[int], measured: Indices) -> NDArray[np.float64]:
        """Return logits `[M, K]` of the seeds `measured`, without the seeds of folds `out`."""

    def logits(self) -> NDArray[np.float64]:
        """Return logits `[N, K]` of all rows, from all seeds."""

    def head(self) -> Head | None:
        """Return what gives new rows their logits; None where vectors do not tell."""


class Headed:
    """A head fitted to the seeds; a class without seeds is as unlikely as the least likely."""

    def __init__(
        self,
        name: str,
        temperature: float,
        X: Vectors,
        seeds: Seeds,
        fit: Callable[[Vectors, Indices], Head],
    ) -> None:
        self.name = name
        self.temperature = temperature
        self._X, self._seeds, self._fit = X, seeds, fit

    def held_out(self, out: Collection[int], measured: Indices) -> NDArray[np.float64]:
        """Return logits `[M, K]` of the seeds `measured`, without the seeds of folds `out`."""
        return self._fitted(self._seeds.without(out), self._X[self._seeds.rows[measured]])

    def logits(self) -> NDArray[np.float64]:
        """Return logits `[N, K]` of all rows, from all seeds."""
        return self._fitted(np.arange(self._seeds.rows.size), self._X)

    def head(self) -> Head:
        """Return the head for all seeds, over the classes that they show."""
        codes = np.unique(self._seeds.classes, return_inverse=True)[1]
        return self._fit(self._X[self._seeds.rows], codes)

    def _fitted(self, fitted: Indices, rows: Vectors) -> NDArray[np.float64]:
        known, codes = np.unique(self._seeds.classes[fitted], return_inverse=True)
        logits = np.zeros((len(rows), self._seeds.n_classes))
        if known.size:
            found = self._fit(self._X[self._seeds.rows[fitted]], codes).logits(rows)
            logits[:] = found.min(axis=1, keepdims=True)
            logits[:, known] = found
        return logits


def fit_means(rows: Vectors, classes: Indices) -> Head:
    """Fit the nearest class mean by cosine."""
    found = fit_prototypes(rows.astype(np.float64), classes)
    return LinearHead(found.directions, np.zeros(len(found.directions)), found.centre)


def fit_regression(rows: Vectors, classes: Indices) -> Head:
    """Fit a logistic regression in which every class counts the same, at C = 10."""
    problem = LogisticProblem(rows.astype(np.float64), classes, balanced_weights(classes))
    return LinearHead(*problem.linear(problem.fit(_C, tolerance=1e-4, steps=200)))


def fit_votes(rows: Vectors, classes: Indices) -> Head:
    """Let the ten nearest seeds vote."""
    return NeighborHead(rows, np.eye(int(classes.max()) + 1)[classes], _VOTERS)


@dataclass(frozen=True)
class Reached:
    """How much of its sources reaches each row; linear in them, so folds are sums of parts.

    Attributes:
        total: `[N, K]` float32, from all sources.
        at_seeds: `[F, S, K]` at the seeds, from the seeds of each fold.
        counts: `[F, K]` seeds of each class in each fold.
        from_texts: `[S, K]` at the seeds, from sources that are no seeds.
        text_counts: `[K]` how many seeds these count as.
    """

    total: Vectors
    at_seeds: NDArray[np.float64]
    counts: NDArray[np.float64]
    from_texts: NDArray[np.float64]
    text_counts: NDArray[np.float64]

    @classmethod
    def from_seeds(cls, n: int, seeds: Seeds, diffusion: Diffusion) -> Reached:
        """Spread the seeds of each fold and class over `n` rows."""
        k = seeds.n_classes
        counts = np.zeros((seeds.n_folds, k))
        np.add.at(counts, (seeds.fold, seeds.classes), 1.0)
        total = np.zeros((n, k), np.float32)
        at_seeds = np.zeros((seeds.n_folds, seeds.rows.size, k))
        pairs, pair = np.unique(seeds.fold * k + seeds.classes, return_inverse=True)
        for begin in range(0, pairs.size, AT_ONCE):
            fold, number = np.divmod(pairs[begin : begin + AT_ONCE], k)
            inside = np.flatnonzero((pair >= begin) & (pair < begin + AT_ONCE))
            sources = np.zeros((n, fold.size), np.float32)
            sources[seeds.rows[inside], pair[inside] - begin] = 1.0
            reached = diffusion.spread(sources)
            at_seeds[fold, :, number] = reached[seeds.rows].T
            for column, to in enumerate(number.tolist()):
                total[:, to] += reached[:, column]
        return cls(total, at_seeds, counts, np.zeros((seeds.rows.size, k)), np.zeros(k))

    def with_texts(self, texts: NDArray[np.float64], seeds: Seeds, diffusion: Diffusion) -> Reached:
        """Add sources `[N, K]`, such as the rows that fit the text of each class best.

        Each column sums to 1 or 0: they count as one seed a class.
        """
        reached = diffusion.spread(texts)
        return replace(
            self,
            total=self.total + reached,
            from_texts=reached[seeds.rows].astype(np.float64),
            text_counts=texts.sum(axis=0),
        )


class Graph:
    """Diffusion along the graph of nearest neighbours.

    Args:
        name: what the user reads.
        X: `[N, D]` all rows, which vote on new ones.
        seeds: the labels given.
        reached: what they reach.
    """

    temperature = 1.0

    def __init__(self, name: str, X: Vectors, seeds: Seeds, reached: Reached) -> None:
        self.name = name
        self._X, self._seeds, self._reached = X, seeds, reached

    def held_out(self, out: Collection[int], measured: Indices) -> NDArray[np.float64]:
        """Return logits `[M, K]` of the seeds `measured`, without the seeds of folds `out`."""
        found = self._reached
        kept = np.setdiff1d(np.arange(len(found.counts)), list(out))
        reached = found.at_seeds[kept][:, measured].sum(axis=0) + found.from_texts[measured]
        return self._logits(reached, found.counts[kept].sum(axis=0))

    def logits(self) -> NDArray[np.float64]:
        """Return logits `[N, K]` of all rows, from all seeds."""
        return self._logits(self._reached.total, self._reached.counts.sum(axis=0))

    def head(self) -> Head:
        """Let the ten nearest of all rows vote with what reached them."""
        shares = np.exp(self.logits())
        return NeighborHead(self._X, shares / shares.sum(axis=1, keepdims=True), _VOTERS)

    def _logits(self, reached: NDArray[Any], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = counts + self._reached.text_counts
        # each class sends out as much, however many seeds it has
        none = np.zeros(reached.shape)
        per_class = np.divide(reached, counts, out=none, where=counts > 0)
        total = per_class.sum(axis=1, keepdims=True)
        even = np.full_like(per_class, 1.0 / per_class.shape[1])
        shares = np.divide(per_class, total, out=even, where=total > 0)
        logits: NDArray[np.float64] = np.log(np.maximum(shares, _LEAST))
        return logits


class Texts:
    """How well each row fits the text of each class; no seed plays a part.

    Args:
        probabilities: `[N, K]`.
        seeds: the labels given.
    """

    name = "texts"
    temperature = 1.0

    def __init__(self, probabilities: NDArray[np.float64], seeds: Seeds) -> None:
        self._logits = np.log(np.maximum(probabilities, _LEAST))
        self._seeds = seeds

    def held_out(self, out: Collection[int], measured: Indices) -> NDArray[np.float64]:  # noqa: ARG002
        """Return logits `[M, K]` of the seeds `measured`."""
        return self._logits[self._seeds.rows[measured]]

    def logits(self) -> NDArray[np.float64]:
        """Return logits `[N, K]` of all rows."""
        return self._logits

    def head(self) -> None:
        """Vectors alone do not tell: new rows need their own fit to the texts."""

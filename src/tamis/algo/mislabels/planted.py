"""Wrong labels planted on purpose, to see which way to judge finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["average_precision", "plant"]


def plant(
    classes: Indices,
    share: float,
    likely: NDArray[np.float64],
    *,
    kind: Literal["even", "confused"],
    rng: np.random.Generator,
) -> tuple[Indices, NDArray[np.bool_]]:
    """Give a share of the rows another class, and return the classes and which rows they are.

    Args:
        classes: `[N]` from 0 to K - 1.
        share: of the rows, at least one.
        likely: `[K, K]` how often a row of a class is taken for each other one.
        kind: `even` draws any other class alike, `confused` one that the row's class is taken for.
        rng: draws.
    """
    n, n_classes = classes.size, len(likely)
    rows = rng.permutation(n)[: max(1, round(share * n))]
    chance = np.ones((n_classes, n_classes)) if kind == "even" else likely + 1e-3 * likely.mean()
    chance = chance + 1e-12
    np.fill_diagonal(chance, 0.0)
    bounds = np.cumsum(chance / chance.sum(axis=1, keepdims=True), axis=1)
    drawn = (rng.random(rows.size)[:, None] > bounds[classes[rows]]).sum(axis=1)
    planted = classes.copy()
    planted[rows] = np.minimum(drawn, n_classes - 1)
    return planted, planted != classes


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the mean precision at each true row, highest scores first; ties count together.

    O(N log N).

    Example:
        >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.4]))
        0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
    gained = np.diff(found[last], prepend=0)
    return float((gained * found[last] / (last + 1)).sum() / max(int(truth.sum()), 1))

"""Simulate rounds of active learning on pictures whose labels are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.active_learning.schedule import COLD_START, scheduled_strategy, strategy_name
from tamis.algo.probe import train_probe
from tamis.algo.selection import select
from tamis.algo.strategies import FROM_PROBABILITIES
from tamis.algo.unit_vectors import unit_vectors
from tamis.errors import UsageError
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["Draw", "Replay", "draw_parts", "replay"]


@dataclass(frozen=True)
class Draw:
    """The pool and the test rows of one run.

    Attributes:
        pool: rows to pick from, ascending.
        test: rows to evaluate on, ascending.
    """

    pool: Indices
    test: Indices


@dataclass(frozen=True)
class Replay:
    """The results of one run.

    Attributes:
        accuracy: `[B]` accuracy on the test rows after each budget.
        balanced: `[B]` balanced accuracy: the mean over the classes of the test rows.
        strategies: `[B]` the strategy that picked for each budget.
    """

    accuracy: NDArray[np.float64]
    balanced: NDArray[np.float64]
    strategies: tuple[str, ...]


def draw_parts(
    groups: Indices,
    pool: Indices,
    test: Indices | None,
    *,
    share: float = 0.7,
    rng: np.random.Generator,
) -> Draw:
    """Draw the pool of a run, whole groups at a time.

    Otherwise deterministic strategies would do the same in every run, and nothing would show how
    much a result depends on the pictures at hand. O(N log N).

    Args:
        groups: `[N]` rows of one group, such as near-duplicates, are never in both pool and test.
        pool: rows that may be picked.
        test: rows to evaluate on; None for the rows that are not drawn.
        share: share of the groups of `pool` to draw, in (0, 1).
        rng: draws them.

    Raises:
        UsageError: no row is left to pick from or to evaluate on.
    """
    allowed = pool if test is None else pool[~np.isin(groups[pool], groups[test])]
    names = np.unique(groups[allowed])
    taken = names[rng.permutation(names.size)[: round(share * names.size)]]
    inside = np.isin(groups[allowed], taken)
    drawn = Draw(np.sort(allowed[inside]), np.sort(allowed[~inside] if test is None else test))
    if not drawn.pool.size or not drawn.test.size:
        raise UsageError(
            f"{counted(len(allowed), 'picture')} in {counted(names.size, 'group')} of "
            f"near-duplicates leave "
            f"{drawn.pool.size} to pick from and {drawn.test.size} to test on: more labels are "
            "needed, or near-duplicates told more finely"
        )
    return drawn


def replay(
    X: NDArray[Any],
    labels: NDArray[np.str_],
    draw: Draw,
    budgets: Sequence[int],
    *,
    strategy: str | Mapping[str, float] | None,
    groups: Indices | None = None,
    rng: np.random.Generator,
    told: Callable[[], None] = lambda: None,
) -> Replay:
    """For each budget: pick rows, reveal their labels, train a probe and evaluate it.

    No label is used before its row is picked. Test rows take no part in picking or training. The
    cost is that of `select` and `train_probe` for each budget.

    Args:
        X: `[N, D]` unit vectors.
        labels: `[N]` names of classes.
        draw: the pool and the test rows.
        budgets: numbers of labels, ascending, none larger than the pool.
        strategy: how to pick; None for `scheduled_strategy` each time. Strategies that need a
            probe are replaced by `COLD_START` until labels of two classes are known.
        groups: `[N]` groups that cross-validation keeps together.
        rng: the only source of randomness.
        told: called after each budget.

    Raises:
        UsageError: budgets do not ascend from 1, or exceed the pool.
    """
    if [*budgets] != sorted(set(budgets)) or not budgets or budgets[0] < 1:
        raise UsageError(f"budgets must ascend from 1 or more, not {[*budgets]}")
    if budgets[-1] > draw.pool.size:
        raise UsageError(
            f"the budget of {budgets[-1]} labels is more than the "
            f"{counted(draw.pool.size, 'picture')} that "
            "can be picked"
        )
    vectors = unit_vectors(X)
    pool, truth = vectors[draw.pool], labels[draw.pool]
    test, wanted = vectors[draw.test], labels[draw.test]
    known: Indices = np.empty(0, np.int64)
    probabilities = None
    accuracy, balanced, used = [], [], []
    for budget in budgets:
        chosen = scheduled_strategy(truth[known]) if strategy is None else strategy
        asked = {chosen} if isinstance(chosen, str) else set(chosen)
        if asked.intersection(FROM_PROBABILITIES) and probabilities is None:
            chosen = COLD_START
        picks = select(
            pool,
            budget - known.size,
            strategy=chosen,
            probabilities=probabilities,
            must=known,
            rng=rng,
        )
        known = np.concatenate([known, picks.indices])
        classes = np.unique(truth[known])
        predicted = np.full(wanted.size, classes[0])
        probabilities = None
        if classes.size > 1:
            together = None if groups is None else groups[draw.pool][known]
            probe = train_probe(pool[known], truth[known], groups=together, rng=rng)
            predicted, probabilities = probe.predict(test), probe.probabilities(pool)
        right = predicted == wanted
        accuracy.append(right.mean())
        balanced.append(np.mean([right[wanted == name].mean() for name in np.unique(wanted)]))
        used.append(strategy_name(chosen))
        told()
    return Replay(np.array(accuracy), np.array(balanced), tuple(used))

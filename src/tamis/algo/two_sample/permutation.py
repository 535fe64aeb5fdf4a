"""p-values by dealing the units to the two sides again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Deals", "Statistic", "TestResult", "deals", "p_values", "tested"]

Deals: TypeAlias = NDArray[np.bool_]
"""Which units are the batch's, `[B + 1, G]`; the first row is what was seen."""

Statistic: TypeAlias = Callable[[Deals], NDArray[np.float64]]
"""The statistic of each deal, `[B]`; the larger, the less alike the sides are."""

_ENTRIES_AT_ONCE: Final = 4_000_000
_ROUNDING: Final = 1e-7
"""Share of the spread under which two statistics count as equal."""


@dataclass(frozen=True)
class TestResult:
    """What a two-sample test says.

    Attributes:
        statistic: of the sides as they are.
        expected: mean of the statistic over the permutations.
        p: share of deals, what was seen among them, that are as far apart or farther:
            (1 + #) / (B + 1).
        units: of the reference and of the batch; what the permutations deal.
    """

    __test__ = False  # not a class of pytest's

    statistic: float
    expected: float
    p: float
    units: tuple[int, int]


def deals(unit_is_batch: NDArray[np.bool_], permutations: int, rng: np.random.Generator) -> Deals:
    """Return what was seen and random deals of the same units, as many to each side as it has.

    Args:
        unit_is_batch: `[G]` bool.
        permutations: B, at least 1.
        rng: deals.

    Raises:
        UsageError: `permutations` is under 1.
    """
    if permutations < 1:
        raise UsageError(f"permutations must be at least 1, not {permutations}")
    drawn = rng.permuted(np.tile(unit_is_batch, (permutations, 1)), axis=1)
    return np.concatenate([unit_is_batch[None], drawn])


def evaluated(statistic: Statistic, dealt: Deals) -> NDArray[np.float64]:
    """Return the statistic of every deal `[B + 1]`, in parts that fit into memory."""
    return np.concatenate([statistic(part) for part in _parts(dealt)])


def _parts(dealt: Deals) -> Iterator[Deals]:
    step = max(1, _ENTRIES_AT_ONCE // max(1, dealt.shape[1]))
    for start in range(0, len(dealt), step):
        yield dealt[start : start + step]


def p_values(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each deal the share of deals whose statistic is as large or larger.

    Each deal is looked at as if it were the one that was seen, which lets several statistics of
    the same deals be combined. O(B log B) a column.

    Args:
        statistics: `[B + 1]` or `[B + 1, T]`.

    Example:
        >>> p_values(np.array([3.0, 1.0, 2.0, 2.0])).tolist()
        [0.25, 1.0, 0.75, 0.75]
    """
    table = statistics.reshape(len(statistics), -1)
    shares = np.empty_like(table, dtype=np.float64)
    for column in range(table.shape[1]):
        values = table[:, column]
        # Rounding must not tell a deal from another that has the same rows on its sides.
        margin = _ROUNDING * (float(np.ptp(values)) + float(np.abs(values).max()))
        below = np.searchsorted(np.sort(values), values - margin, side="left")
        shares[:, column] = (len(values) - below) / len(values)
    return shares.reshape(statistics.shape)


def tested(
    statistic: Statistic,
    unit_is_batch: NDArray[np.bool_],
    permutations: int,
    rng: np.random.Generator,
) -> TestResult:
    """Compare a statistic with that of random deals (Phipson and Smyth 2010)."""
    values = evaluated(statistic, deals(unit_is_batch, permutations, rng))
    batch = int(np.count_nonzero(unit_is_batch))
    return TestResult(
        float(values[0]),
        float(values[1:].mean()),
        float(p_values(values)[0]),
        (unit_is_batch.size - batch, batch),
    )

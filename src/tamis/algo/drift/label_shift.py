"""Whether classes have become more or less frequent, or look different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["ShiftKind", "shift_kind"]


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

"""How far two groupings of the same rows agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["adjusted_rand"]


def adjusted_rand(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985): 1 for equal groupings, 0 by chance.

    O(N log N).

    Args:
        left: `[N]` group of each row.
        right: `[N]` the same.

    Example:
        >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
        1.0
    """
    a, b = (np.unique(each, return_inverse=True)[1] for each in (left, right))
    n = a.size
    if n == 0:
        return 1.0
    table = coo_array((np.ones(n), (a, b)), shape=(a.max() + 1, b.max() + 1)).tocsr()
    table.sum_duplicates()

    def pairs(counts: NDArray[np.float64]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both = pairs(np.asarray(table.data, np.float64))
    alone = pairs(np.bincount(a).astype(np.float64))
    other = pairs(np.bincount(b).astype(np.float64))
    expected = alone * other / max(n * (n - 1) / 2, 1.0)
    most = (alone + other) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)

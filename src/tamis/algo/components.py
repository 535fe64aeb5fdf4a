"""Connected components of a graph given as pairs, and of several groupings of the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as scipy_components

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from tamis.types import Indices

__all__ = ["connected_components", "join_groups"]


def connected_components(n: int, left: ArrayLike, right: ArrayLike) -> Indices:
    """Return the component of each of `n` rows when `left[i]` is joined to `right[i]`.

    Components are numbered from 0 by their lowest row, so the result does not depend on the order
    or direction of the pairs. O(n + pairs).

    Args:
        n: number of rows.
        left: `[P]` row numbers.
        right: `[P]` row numbers.

    Returns:
        `[n]` int64 component numbers.

    Raises:
        UsageError: `n` is negative, the two arrays differ in length, or a row is outside `[0, n)`.

    Example:
        >>> connected_components(5, [3, 1], [4, 3])
        array([0, 1, 2, 1, 1])
    """
    a = np.asarray(left, dtype=np.int64)
    b = np.asarray(right, dtype=np.int64)
    if n < 0:
        raise UsageError(f"the number of rows must be 0 or more, not {n}")
    if a.ndim != 1 or a.shape != b.shape:
        raise UsageError(
            f"left and right must be two lists of one length, not {a.shape}, {b.shape}"
        )
    for ends in (a, b):
        if ends.size and (int(ends.min()) < 0 or int(ends.max()) >= n):
            raise UsageError(
                f"pairs must name rows from 0 to {n - 1}, not {ends.min()}, {ends.max()}"
            )
    if n == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(a.size, dtype=np.bool_), (a, b)), shape=(n, n))
    _, labels = scipy_components(graph.tocsr(), directed=False)
    return _number_by_first_row(labels)


def join_groups(columns: Sequence[NDArray[Any]]) -> Indices:
    """Return the finest grouping that keeps together rows sharing a value in any column.

    A negative value joins the row to nothing in that column. O(N log N) per column.

    Args:
        columns: one or more `[N]` integer arrays.

    Returns:
        `[N]` int64 group numbers from 0, ordered by their lowest row.

    Raises:
        UsageError: there is no column, or columns differ in length.

    Example:
        >>> join_groups([np.array([0, 0, -1, -1]), np.array([-1, 7, 7, -1])])
        array([0, 0, 0, 1])
    """
    if not columns:
        raise UsageError("joining groups needs at least one column of groups")
    n = len(columns[0])
    left: list[Indices] = []
    right: list[Indices] = []
    for column in columns:
        if len(column) != n:
            raise UsageError(f"columns of groups differ in length: {n} and {len(column)}")
        rows = np.flatnonzero(np.asarray(column) >= 0)
        rows = rows[np.argsort(np.asarray(column)[rows], kind="stable")]
        same = np.flatnonzero(np.asarray(column)[rows[1:]] == np.asarray(column)[rows[:-1]])
        left.append(rows[same])
        right.append(rows[same + 1])
    return connected_components(n, np.concatenate(left), np.concatenate(right))


def _number_by_first_row(labels: NDArray[Any]) -> Indices:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    numbered: Indices = rank[inverse]
    return numbered

"""How many rows in a row count as one draw, from how long they stay alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["block_length", "time_order_blocks"]

_TIMES: Final = 5.0
"""Blocks last this many correlation times, so that neighbors hardly depend on each other."""

_NOISE: Final = 0.05
"""Autocorrelation from which on rows count as unrelated."""

_FEWEST: Final = 10
"""Blocks that a source is cut into at least, however long its rows stay alike."""


def block_length(X: NDArray[Any], sources: Indices | None = None) -> int:
    """Return the number of consecutive rows to permute together.

    The correlation time is `1 + 2 Σ r(l)` over the lags l until the autocorrelation r of the
    vectors (their products around the mean of all) falls under .05, at the least under twice its
    noise; a block lasts five of them, and one row where rows are unrelated. Rows that stay alike
    for over a tenth of the longest source are cut into ten blocks all the same. O(N D log N).

    Args:
        X: `[N, D]` rows; those of one source in the order of time.
        sources: `[N]` the video or camera of each row; one for all if None.

    Raises:
        UsageError: the numbers of rows differ.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> block_length(rng.normal(size=(500, 8)))
        1
        >>> block_length(np.repeat(rng.normal(size=(100, 8)), 5, axis=0)) > 5
        True
    """
    rows = np.asarray(X, np.float64)
    names = np.zeros(len(rows), np.int64) if sources is None else np.asarray(sources)
    if len(names) != len(rows):
        raise UsageError(f"{len(rows)} rows and {len(names)} sources: give each row one")
    parts = [np.flatnonzero(names == name) for name in np.unique(names)]
    longest = max((part.size for part in parts), default=0)
    lags = longest // 2
    if lags < 1:
        return 1
    rows = rows - rows.mean(axis=0)
    products, pairs = np.zeros(lags + 1), np.zeros(lags + 1)
    for part in parts:
        reach = min(lags, part.size - 1)
        products[: reach + 1] += _lagged_products(rows[part])[: reach + 1]
        pairs[: reach + 1] += part.size - np.arange(reach + 1)
    if products[0] <= 0:
        return 1
    r = products / np.maximum(pairs, 1) / (products[0] / pairs[0])
    # A vector counts as its effective number of independent directions.
    values = np.linalg.eigvalsh(np.cov(rows, rowvar=False).reshape(rows.shape[1], -1))
    directions = max(1.0, float(values.sum() ** 2 / max((values**2).sum(), 1e-300)))
    under = r < np.maximum(_NOISE, 2 / np.sqrt(np.maximum(pairs, 1) * directions))
    end = int(np.argmax(under)) if under.any() else lags
    if end <= 1:
        return 1
    time = 1 + 2 * float(r[1:end].sum())
    return max(1, min(int(np.ceil(_TIMES * time)), longest // _FEWEST))


def time_order_blocks(n: int, length: int, sources: Indices | None = None) -> Indices:
    """Return the block of each of `n` rows: `length` consecutive rows of one source.

    A rest shorter than half a block joins the block before it.

    Args:
        n: rows, those of one source in the order of time.
        length: of a block in rows, at least 1.
        sources: `[n]` the video or camera of each row; one for all if None.

    Raises:
        UsageError: the length is under 1, or the numbers of rows differ.

    Example:
        >>> time_order_blocks(7, 3).tolist()
        [0, 0, 0, 1, 1, 1, 1]
    """
    if length < 1:
        raise UsageError(f"a block must hold at least 1 row, not {length}")
    names = np.zeros(n, np.int64) if sources is None else np.asarray(sources)
    if len(names) != n:
        raise UsageError(f"{n} rows and {len(names)} sources: give each row one")
    blocks = np.empty(n, np.int64)
    used = 0
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        count = max(1, int(np.floor(rows.size / length + 0.5)))
        blocks[rows] = used + np.minimum(np.arange(rows.size) // length, count - 1)
        used += count
    return blocks


def _lagged_products(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of products of rows `[n, D]` a lag apart, `[n]`."""
    n = len(rows)
    width = next_fast_len(2 * n, real=True)
    power = np.zeros(width // 2 + 1)
    for column in rows.T:
        power += np.abs(rfft(column, width)) ** 2
    products: NDArray[np.float64] = irfft(power, width)[:n]
    return products

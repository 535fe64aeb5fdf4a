"""Late interaction: how well each patch of a query is matched somewhere in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.algo.unit_vectors import normalise_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis.types import Vectors

__all__ = ["late_interaction"]


def late_interaction(query: Vectors, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over a query's tokens of the best cosine with any token of a picture.

    It finds what a single vector per picture averages away: a small object scores high wherever
    it is. O(B T U D) time.

    Source: Khattab and Zaharia 2020, ColBERT, section 3.2 (their sum, divided by the tokens).

    Args:
        query: `[T, D]` float32 tokens of the query, of any nonzero length.
        pictures: `[B, U, D]` float32 tokens of each picture.

    Returns:
        `[B]` float32 in [-1, 1]; 1 where every token of the query occurs.

    Example:
        >>> import numpy as np
        >>> tokens = np.eye(3, dtype=np.float32)
        >>> late_interaction(tokens[:1], np.stack([tokens[:2], tokens[1:]])).tolist()
        [1.0, 0.0]
    """
    wanted = normalise_rows(query)
    there = normalise_rows(pictures)
    similar = there @ wanted.T
    best: NDArray[np.float32] = similar.max(axis=1).mean(axis=1)
    return best

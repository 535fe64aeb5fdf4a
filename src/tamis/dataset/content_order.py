"""An order of samples by what they show, which no name, folder or order of adding changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, box_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tamis.dataset.samples import Samples
    from tamis.types import Indices

__all__ = ["CONTENT_COLUMNS", "content_key", "content_order"]

CONTENT_COLUMNS = (Column.CONTENT_HASH, *BOX_COLUMNS)
"""What `content_key` asks of a row."""


def content_key(row: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    """Return what a sample is ordered by: the hash of its file or frame, and of a part its box.

    Samples whose keys are equal show the same pixels.
    """
    box = box_of(row)
    return row[Column.CONTENT_HASH] or "", () if box is None else (
        box.x,
        box.y,
        box.width,
        box.height,
    )


def content_order(samples: Samples, ids: Sequence[str]) -> Indices:
    """Return the places of `ids`, ordered by content; those that show the same, as they come.

    Where chance draws samples, or a tie goes to the first, the same pictures have to give the same
    result wherever their folder lies. Sample ids do not: they depend on it. One scan of five
    columns, O(N log N).

    Args:
        samples: the dataset's.
        ids: `[N]` sample ids.
    """
    keys = [content_key(row) for row in samples.rows(CONTENT_COLUMNS, ids).to_pylist()]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)

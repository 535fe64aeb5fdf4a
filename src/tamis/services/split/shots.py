"""The shots of videos as groups, from the thumbnails of their frames."""

from __future__ import annotations

from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from tamis.algo.shots import shot_numbers
from tamis.dataset.columns import Column
from tamis.dataset.samples import Samples
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["SHOT", "shots_of"]

SHOT: Final = "shot"
"""The group that stands for shots, unless the dataset has a column of that name."""

_SIDE: Final = 32


def shots_of(store: Store, ids: list[str]) -> Indices:
    """Return the shot of each sample, `[N]`, numbered through all videos; -1 for what is no frame.

    Raises:
        UsageError: the dataset has no frames of videos.
    """
    samples = Samples(store)
    if not samples.has(Column.VIDEO):
        raise UsageError("there are no shots to group by: the dataset has no frames of videos")
    rows = samples.rows([Column.VIDEO, Column.FRAME], ids).to_pylist()
    framed = sorted(
        (row[Column.VIDEO], row[Column.FRAME], place)
        for place, row in enumerate(rows)
        if row[Column.VIDEO] is not None
    )
    shots = np.full(len(ids), -1, np.int64)
    first = 0
    for _, frames in groupby(framed, key=lambda frame: frame[0]):
        places = [place for _, _, place in frames]
        numbers = shot_numbers(_small(samples, [ids[place] for place in places]))
        shots[places] = first + numbers
        first += int(numbers[-1]) + 1
    return shots


def _small(samples: Samples, ids: list[str]) -> np.ndarray:
    thumbnails = samples.rows([Column.THUMBNAIL], ids).column(0).to_pylist()
    small = np.zeros((len(ids), _SIDE, _SIDE, 3), np.uint8)
    for row, thumbnail in enumerate(thumbnails):
        if thumbnail:
            with Image.open(BytesIO(thumbnail)) as image:
                small[row] = np.asarray(image.convert("RGB").resize((_SIDE, _SIDE)))
    return small

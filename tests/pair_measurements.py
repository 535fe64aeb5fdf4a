"""Less measuring of pairs of pictures, where a test asks about something else.

Comparing is most of the work of `duplicates`, `split` and `curate`: the candidates, and the copies
that calibration makes. Tests ask it of the same few pictures again and again.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tamis.runtime import pair_verification
from tamis.runtime.comparison import Comparison
from tamis.sources.image_reference import ImageReference
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from tamis.dataset.grey_pictures import GreyPictures
    from tamis.runtime.original_pixels import OriginalPixels
    from tamis.types import Indices, Progress

_COMPARE = pair_verification._compared
_KEPT: dict[Hashable, Comparison] = {}


@contextmanager
def few_pairs_measured() -> Iterator[None]:
    """Within the block, calibration makes two copies of each kind and draws few random pairs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_verification, "_SAMPLED", 20)
        patch.setattr(pair_verification, "_RANDOM_PAIRS", 40)
        yield


@contextmanager
def pairs_compared_once() -> Iterator[None]:
    """Within the block, a pair that this process has compared is not compared again.

    What comparing gives depends on the two pictures alone.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_verification, "_compared", _compared)
        yield


def _compared(  # noqa: PLR0917 - as what it stands for
    pictures: GreyPictures,
    originals: OriginalPixels | None,
    left: Indices,
    right: Indices,
    progress: Progress,
    turns: Indices | None = None,
) -> Comparison:
    turns = np.zeros(len(left), np.int64) if turns is None else turns
    shown = {row: _shown(pictures, originals, row) for row in {*left.tolist(), *right.tolist()}}
    keys = [
        (shown[one], shown[other], turn)
        for one, other, turn in zip(left.tolist(), right.tolist(), turns.tolist(), strict=True)
    ]
    new = np.array([at for at, key in enumerate(keys) if key not in _KEPT], np.int64)
    found = _COMPARE(pictures, originals, left[new], right[new], no_progress, turns[new])
    for number, at in enumerate(new.tolist()):
        _KEPT[keys[at]] = found.take(np.array([number]))
    progress(len(left), len(left))
    return Comparison.joined([Comparison.ruled_out(0), *(_KEPT[key] for key in keys)])


def _shown(pictures: GreyPictures, originals: OriginalPixels | None, row: int) -> Hashable:
    """All that a comparison may see of a picture: its thumbnail, and its file as it now is."""
    [thumbnail] = pictures.thumbnails(np.array([row]))
    kept: Any = None if originals is None else originals._row(row)
    if kept is None:
        return thumbnail, None
    place = ImageReference.parse(kept.uri)
    file = Path(place.file)
    now = hashlib.sha256(file.read_bytes()).digest() if file.is_file() else None
    return thumbnail, kept.content_hash, place.inside, str(kept.box), now

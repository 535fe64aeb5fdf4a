"""Patches of nominal pictures, a bounded number of them, by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.defects import brightness_of, cross_distances, joined_levels, lowest_share
from tamis.errors import InputError
from tamis.services.defects.nominal import STRIPS
from tamis.services.defects.rows import looked_at
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_model import PlaceFeatures
    from tamis.services.defects.nominal import NominalSet
    from tamis.services.defects.rows import PictureRow
    from tamis.types import Indices, Progress, Vectors

__all__ = ["PatchSample", "sampled_patches", "strip_of", "typical_brightness"]

MOST_PATCHES: Final = 30_000
_FEWEST_A_PICTURE: Final = 24
_LOOKED_AT: Final = 48


@dataclass(frozen=True)
class PatchSample:
    """Patches of nominal pictures.

    Attributes:
        nominal: the pictures that can be read.
        levels: `[P, D]` float32 unit vectors of each level that was computed.
        picture: `[P]` of which picture each patch is.
        strip: `[P]` in which strip of its picture it lies.
        failed: pictures that could not be read.
    """

    nominal: NominalSet
    levels: list[Vectors]
    picture: Indices
    strip: Indices
    failed: list[Failure]

    @property
    def fold(self) -> Indices:
        """`[P]` in which fold each patch is held out."""
        return self.strip if self.nominal.parts == 1 else self.nominal.folds[self.picture]

    def folds(self, numbers: Sequence[int], kept: NDArray[np.bool_]) -> list[Vectors]:
        """Return the kept patches by some levels, one array a fold."""
        joined = joined_levels([self.levels[number] for number in numbers])
        fold = self.fold
        return [joined[kept & (fold == one)] for one in range(self.nominal.fold_count)]

    def trusted(self, share: float) -> NDArray[np.bool_]:
        """Return `[P]` which patches to learn from: those least unlike what other folds have.

        Args:
            share: of the patches that are left out.
        """
        everything = np.ones(len(self.picture), np.bool_)
        folds = self.folds(range(len(self.levels)), everything)
        distances = np.empty(len(self.picture), np.float32)
        rng = np.random.default_rng([self.nominal.seed, 4])
        for fold, found in enumerate(cross_distances(folds, rng)):
            distances[self.fold == fold] = found
        return lowest_share(distances, 1 - share)


def typical_brightness(nominal: NominalSet, features: PlaceFeatures, progress: Progress) -> float:
    """Return the median brightness of up to 48 pictures, evenly spread over the rows."""
    step = max(1, len(nominal.rows) // _LOOKED_AT)
    seen = looked_at(
        nominal.rows[::step],
        features.decode_side,
        lambda _row, picture: brightness_of(features.prepared(picture)),
        progress,
    )
    found = [value for _, value in seen if not isinstance(value, Failure)]
    return float(np.median(found)) if found else 128.0


def sampled_patches(
    nominal: NominalSet,
    features: PlaceFeatures,
    *,
    rotations: bool,
    most: int = MOST_PATCHES,
    progress: Progress,
) -> PatchSample:
    """Draw patches from each picture, and at least 24 of each.

    What is drawn from a picture depends on its row and the seed alone.

    Args:
        nominal: the pictures.
        features: of the levels that are wanted.
        rotations: draw from each picture turned by quarters as well.
        most: patches in all.
        progress: told how far it has come.

    Raises:
        InputError: no picture can be read.
    """
    turns = (0, 1, 2, 3) if rotations else (0,)
    each = max(most // (len(nominal.rows) * len(turns)), _FEWEST_A_PICTURE)

    def drawn(row: PictureRow, picture: Pixels) -> tuple[list[Vectors], Indices]:
        rng = np.random.default_rng([nominal.seed, row.seed])
        pixels = features.prepared(picture)
        parts, strips = [], []
        for turn in turns:
            place = features.of(np.ascontiguousarray(np.rot90(pixels, turn)))
            rows, columns = place.shape
            some = np.sort(rng.permutation(rows * columns)[:each])
            parts.append(
                [level[:rows, :columns].reshape(rows * columns, -1)[some] for level in place.levels]
            )
            strips.append(strip_of(rows)[some // columns])
        return [np.concatenate(level) for level in zip(*parts, strict=True)], np.concatenate(strips)

    levels: list[list[Vectors]] = [[] for _ in features.maps.levels]
    pictures, strips, failed = [], [], []
    read: list[int] = []
    for number, (_, found) in enumerate(
        looked_at(nominal.rows, features.decode_side, drawn, progress)
    ):
        if isinstance(found, Failure):
            failed.append(found)
            continue
        for level, part in zip(levels, found[0], strict=True):
            level.append(part)
        pictures.append(np.full(len(found[1]), len(read)))
        strips.append(found[1])
        read.append(number)
    if not read:
        raise InputError(
            f"none of the pictures can be read; the first, {failed[0].path}: {failed[0].reason}"
        )
    return PatchSample(
        nominal.only(read),
        [np.concatenate(level) for level in levels],
        np.concatenate(pictures),
        np.concatenate(strips),
        failed,
    )


def strip_of(rows: int) -> Indices:
    """Return in which of a picture's strips each row of places lies."""
    return np.arange(rows) * STRIPS // rows

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
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_places import PlaceFeatures
    from tamis.services.defects.nominal import NominalSet
    from tamis.services.defects.rows import PictureRow
    from tamis.types import Indices, Progress, Vectors

__all__ = ["MOST_PATCHES", "PatchSample", "sampled_patches", "strip_of", "typical_brightness"]

MOST_PATCHES: Final = 30_000
_FEWEST_A_PICTURE: Final = 24
_LOOKED_AT: Final = 48


@dataclass(frozen=True)
class PatchSample:
    """Patches of nominal pictures.

    Attributes:
        nominal: the pictures that can be read.
        vectors: `[P, D]` float32 unit vectors of a level on a lattice, which its rows of a tile
            name.
        rows: the lattice of each set of levels.
        picture: `[P]` of which picture each patch is.
        strip: `[P]` in which strip of its picture it lies.
        failed: pictures that could not be read.
    """

    nominal: NominalSet
    vectors: Mapping[tuple[str, int], Vectors]
    rows: Mapping[tuple[str, ...], int]
    picture: Indices
    strip: Indices
    failed: list[Failure]

    @property
    def fold(self) -> Indices:
        """`[P]` in which fold each patch is held out."""
        return self.strip if self.nominal.parts == 1 else self.nominal.folds[self.picture]

    def joined(self, levels: tuple[str, ...]) -> Vectors:
        """Return `[P, D]` unit vectors of all patches by one of the sets of levels."""
        return joined_levels([self.vectors[name, self.rows[levels]] for name in levels])

    def folds(self, levels: tuple[str, ...], kept: NDArray[np.bool_]) -> list[Vectors]:
        """Return the kept patches by one of the sets of levels, one array a fold."""
        return self._by_fold(self.joined(levels), kept)

    def trusted(self, share: float) -> NDArray[np.bool_]:
        """Return `[P]` which patches to learn from: those least unlike what other folds have.

        Args:
            share: of the patches that are left out.
        """
        everything = np.ones(len(self.picture), np.bool_)
        folds = self._by_fold(joined_levels(list(self.vectors.values())), everything)
        distances = np.empty(len(self.picture), np.float32)
        rng = np.random.default_rng([self.nominal.seed, 4])
        for fold, found in enumerate(cross_distances(folds, rng)):
            distances[self.fold == fold] = found
        return lowest_share(distances, 1 - share)

    def _by_fold(self, vectors: Vectors, kept: NDArray[np.bool_]) -> list[Vectors]:
        fold = self.fold
        return [vectors[kept & (fold == one)] for one in range(self.nominal.fold_count)]


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
    sets: Sequence[tuple[str, ...]],
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
        sets: of levels that are joined.
        rotations: draw from each picture turned by quarters as well.
        most: patches in all.
        progress: told how far it has come.

    Raises:
        InputError: no picture can be read.
    """
    turns = (0, 1, 2, 3) if rotations else (0,)
    each = max(most // (len(nominal.rows) * len(turns)), _FEWEST_A_PICTURE)
    rows_of = {levels: features.rows(levels) for levels in sets}
    wanted = list(dict.fromkeys((name, rows_of[levels]) for levels in sets for name in levels))
    finest = max(sets, key=lambda levels: rows_of[levels])

    def drawn(row: PictureRow, picture: Pixels) -> tuple[list[Vectors], Indices]:
        rng = np.random.default_rng([nominal.seed, row.seed])
        pixels = features.prepared(picture)
        parts, strips = [], []
        for turn in turns:
            place = features.of(np.ascontiguousarray(np.rot90(pixels, turn)))
            fine = place.lattice(finest)
            rows, columns = fine.inside
            some = np.sort(rng.permutation(rows * columns)[:each])
            down, across = some // columns, some % columns
            of_turn = {}
            for levels in sets:
                lattice = place.lattice(levels)
                # the place of a coarser lattice in which the drawn one lies
                at = (
                    down * lattice.rows // fine.rows,
                    across * lattice.columns // fine.columns,
                )
                for name in levels:
                    of_turn[name, rows_of[levels]] = place.level(name, lattice)[at]
            parts.append([of_turn[key] for key in wanted])
            strips.append(strip_of(rows)[down])
        return [np.concatenate(level) for level in zip(*parts, strict=True)], np.concatenate(strips)

    vectors: list[list[Vectors]] = [[] for _ in wanted]
    pictures, strips, failed = [], [], []
    read: list[int] = []
    for number, (_, found) in enumerate(
        looked_at(nominal.rows, features.decode_side, drawn, progress)
    ):
        if isinstance(found, Failure):
            failed.append(found)
            continue
        for into, part in zip(vectors, found[0], strict=True):
            into.append(part)
        pictures.append(np.full(len(found[1]), len(read)))
        strips.append(found[1])
        read.append(number)
    if not read:
        raise InputError(
            f"none of the pictures can be read; the first, {failed[0].path}: {failed[0].reason}"
        )
    return PatchSample(
        nominal.only(read),
        {key: np.concatenate(one) for key, one in zip(wanted, vectors, strict=True)},
        rows_of,
        np.concatenate(pictures),
        np.concatenate(strips),
        failed,
    )


def strip_of(rows: int) -> Indices:
    """Return in which of a picture's strips each row of places lies."""
    return np.arange(rows) * STRIPS // rows

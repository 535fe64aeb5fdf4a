"""What the files of copies show: how fine their detail is, and which were enlarged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tamis.algo.best_copy import copy_quality
from tamis.images.blank_corners import has_blank_corners
from tamis.images.enlargement import looks_enlarged
from tamis.images.fineness import measure_fineness
from tamis.runtime.decoded_rows import Pixels, decoded_rows
from tamis.sources.archives import close_archives
from tamis.sources.video.frame_reader import close_videos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.best_copy import CopyQuality
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices

__all__ = ["Details"]

_Size: TypeAlias = tuple[int, int]

_THREADS = 2
_ALL_PIXELS, _ENOUGH_PIXELS = 1 << 30, 1024
# What is cropped differs in shape from what it was cropped from; rounding to pixels does not.
_SAME_SHAPE = 0.02
_NOT_MEASURED = (float("nan"), float("nan"))


class Details:
    """Decodes copies once, and remembers what was measured."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._fineness: dict[tuple[int, int], tuple[float, float]] = {}
        self._enlarged: dict[tuple[int, _Size], bool] = {}
        self._tilted: dict[int, bool] = {}

    def quality(self, rows: Indices, look_at: Sequence[int]) -> CopyQuality:
        """Compare copies of one picture, by their files as far as these may be looked at.

        About 30 ms a megapixel of one core for each file; copies of one size are decoded no larger
        than 1,024 to 2,048 pixels.

        Args:
            rows: `[n]` samples.
            look_at: those of them whose files are there and worth the time.
        """
        samples = self._samples
        sizes = {row: self._size(row) for row in look_at}
        side = _ENOUGH_PIXELS if len(set(sizes.values())) <= 1 else _ALL_PIXELS
        smaller = {row: _originals(size, set(sizes.values())) for row, size in sizes.items()}
        self._measure(smaller, side)
        pixels = samples.widths[rows] * samples.heights[rows]
        own = pixels.copy()
        for place, row in enumerate(rows.tolist()):
            from_sizes = [s for s in smaller.get(row, ()) if self._enlarged.get((row, s))]
            own[place] = min(
                [int(pixels[place]), *(width * height for width, height in from_sizes)]
            )
        measured = [
            self._fineness.get((row, side), _NOT_MEASURED) if row in sizes else _NOT_MEASURED
            for row in rows.tolist()
        ]
        fineness, boost = np.array(measured, np.float64).reshape(-1, 2).T
        return copy_quality(pixels, own, fineness, boost)

    def tilted(self, rows: Indices) -> NDArray[np.bool_]:
        """Tell which were turned a little in their own frame, of those that were looked at."""
        return np.array([self._tilted.get(row, False) for row in rows.tolist()], np.bool_)

    def _size(self, row: int) -> _Size:
        return int(self._samples.widths[row]), int(self._samples.heights[row])

    def _measure(self, smaller: dict[int, list[_Size]], side: int) -> None:
        """Decode what is not known yet: by sample, the sizes that it may be enlarged from."""
        fresh = [
            row
            for row, sizes in smaller.items()
            if (row, side) not in self._fineness
            or any((row, size) not in self._enlarged for size in sizes)
        ]
        fresh.sort(key=lambda row: self._samples.places[row].uri)
        if not fresh:
            return
        parts = [fresh[start::_THREADS] for start in range(_THREADS)]
        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(lambda part: self._decode(part, smaller, side), parts))
        finally:
            close_archives()
            close_videos()

    def _decode(self, rows: list[int], smaller: dict[int, list[_Size]], side: int) -> None:
        places = [self._samples.places[row] for row in rows]
        for row, (_, pixels) in zip(rows, decoded_rows(places, side), strict=True):
            # What cannot be read is not worse for that: its marks and its size still count.
            image = pixels.image if isinstance(pixels, Pixels) else None
            found = None if image is None else measure_fineness(image)
            figures = _NOT_MEASURED if found is None else (found.fineness, found.boost)
            self._fineness[row, side] = figures
            self._tilted[row] = image is not None and has_blank_corners(image)
            for size in smaller[row]:
                self._enlarged[row, size] = image is not None and looks_enlarged(image, size)


def _originals(size: _Size, others: set[_Size]) -> list[_Size]:
    """The smaller ones of some sizes that have the same shape."""
    shape = size[0] / max(size[1], 1)
    return sorted(
        (width, height)
        for width, height in others
        if width * height < size[0] * size[1]
        and abs(width / max(height, 1) / max(shape, 1e-9) - 1) < _SAME_SHAPE
    )

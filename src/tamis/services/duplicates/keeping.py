"""Which of several copies of a picture to keep."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tamis.algo.best_copy import copy_quality, ordered
from tamis.dataset.presence import gone_among
from tamis.images.blank_corners import has_blank_corners
from tamis.images.enlargement import looks_enlarged
from tamis.images.fineness import measure_fineness
from tamis.runtime.decoded_rows import Pixels, decoded_rows
from tamis.services.duplicates.preferences import DEFAULT, lies_in
from tamis.sources.archives import close_archives
from tamis.sources.video.frame_reader import close_videos

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tamis.algo.best_copy import CopyQuality
    from tamis.dataset.store import Store
    from tamis.services.duplicates.preferences import Preference
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices

__all__ = ["Keeping"]

_Size: TypeAlias = tuple[int, int]

_LOOKED_AT = 24
_THREADS = 2
_ALL_PIXELS, _ENOUGH_PIXELS = 1 << 30, 1024
# What is cropped differs in shape from what it was cropped from; rounding to pixels does not.
_SAME_SHAPE = 0.02
_NOT_MEASURED = (float("nan"), float("nan"))


class Keeping:
    """Orders copies from the best to keep to the worst.

    First a file that is there, then what the user's rules say, then what ours do. Files are
    looked at only where there is a choice: of each group the 24 best by other rules at most.
    """

    def __init__(self, store: Store, samples: Samples, prefer: Sequence[Preference] = ()) -> None:
        self._store, self._samples = store, samples
        self._rules = tuple(dict.fromkeys((*prefer, *DEFAULT)))
        self._present: dict[int, bool] = {}
        self._times: dict[int, float] = {}
        self._details = _Details(samples)
        self._standings: dict[int, tuple[Any, ...]] = {}

    def best_equals(self) -> Indices:
        """Return for each sample the best of those whose pixels are equal to its own."""
        best = np.arange(len(self._samples.ids))
        equals = self._samples.equals()
        self._are_there([row for rows in equals for row in rows])
        for rows in equals:
            chosen = np.array(rows, np.int64)
            best[chosen] = chosen[ordered(self._keys(chosen))[0]]
        return best

    def order(self, rows: Indices, group: Indices, *, look: bool = True) -> Indices:
        """Order samples so that in each group the best to keep comes first.

        Args:
            rows: `[n]` samples.
            group: `[n]`, which of them are copies of each other, chains included.
            look: look at files to tell what is enlarged, blurred or over-sharpened.

        Returns:
            `[n]` places in `rows`, grouped samples by rank and all others after them.
        """
        by_group = np.argsort(group, kind="stable")
        sizes = np.bincount(group)
        self._are_there(rows[sizes[group] > 1].tolist())  # all at once: each look reads the table
        ends = np.cumsum(sizes)
        found = []
        for end, size in zip(ends[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
            places = by_group[end - size : end]
            found.append(places[self._best_first(rows[places], look=look)])
        alone = np.flatnonzero(sizes[group] <= 1)
        return np.concatenate([*found, alone]).astype(np.int64)

    def why(self, keep: int, drop: int) -> str:
        """Name the rule that put one copy before another when they were last ordered."""
        kept, dropped = self._standings.get(keep), self._standings.get(drop)
        if kept is None or dropped is None:
            kept, dropped = _standing(self._keys(np.array([keep, drop], np.int64)))
        names = ("present", *(str(rule) for rule in self._rules), "sample id")
        return next(name for name, a, b in zip(names, kept, dropped, strict=True) if a != b)

    def rank(self, row: int) -> tuple[Any, ...]:
        """Return what a sample is sorted by among those it was last ordered with."""
        return self._standings.get(row) or _standing(self._keys(np.array([row], np.int64)))[0]

    def _best_first(self, rows: Indices, *, look: bool) -> Indices:
        files: list[int] = []
        if look:
            first = rows[ordered(self._keys(rows))].tolist()
            files = [row for row in first[:_LOOKED_AT] if self._present[row]]
        keys = self._keys(rows, files)
        self._standings |= zip(rows.tolist(), _standing(keys), strict=True)
        return ordered(keys)

    def _keys(self, rows: Indices, look_at: Sequence[int] = ()) -> list[NDArray[Any]]:
        """One key a rule, less is better; the last is the sample id, so that the order is total."""
        samples = self._samples
        chosen = rows.tolist()
        compared = self._details.quality(rows, look_at)
        by_rule: dict[str, Callable[[str], NDArray[Any]]] = {
            "resolution": lambda _: 2 * compared.resolution + compared.enlarged,
            "upright": lambda _: self._details.tilted(rows),
            "sharpness": lambda _: compared.fault,
            "exif": lambda _: -samples.exif[rows],
            "oldest": lambda _: self._age(rows),
            "newest": lambda _: -self._age(rows),
            "labeled": lambda _: ~samples.labeled[rows],
            "unlabeled": lambda _: samples.labeled[rows],
            "size": lambda _: -samples.bytes[rows],
            "path": lambda _: np.array([samples.path(row) for row in chosen], np.str_),
            "folder": lambda folder: ~self._inside(folder, chosen),
        }
        return [
            ~self._are_there(chosen),
            *(by_rule[rule.rule](rule.folder) for rule in self._rules),
            np.array([samples.ids[row] for row in chosen], np.str_),
        ]

    def empty_folders(self) -> list[str]:
        """Return the folders of rules that no sample lies in."""
        rows = list(range(len(self._samples.ids)))
        folders = [rule.folder for rule in self._rules if rule.folder]
        return [folder for folder in folders if not self._inside(folder, rows).any()]

    def _inside(self, folder: str, rows: list[int]) -> NDArray[np.bool_]:
        places = (self._samples.places[row] for row in rows)
        return np.array([lies_in(folder, place.path, place.uri) for place in places], np.bool_)

    def _are_there(self, rows: list[int]) -> NDArray[np.bool_]:
        unknown = [row for row in rows if row not in self._present]
        if unknown:
            names = {row: self._samples.ids[row] for row in unknown}
            gone = gone_among(self._store, list(names.values()))
            self._present |= {row: name not in gone for row, name in names.items()}
        return np.array([self._present[row] for row in rows], np.bool_)

    def _age(self, rows: Indices) -> NDArray[np.float64]:
        """When each was taken, or else its file written, in seconds; unknown is last either way."""
        captured = self._samples.captured[rows]
        for place in np.flatnonzero(np.isnan(captured)).tolist():
            row = int(rows[place])
            if row not in self._times:
                self._times[row] = _written(self._samples.places[row].uri)
            captured[place] = self._times[row]
        return captured


def _standing(keys: list[NDArray[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*(key.tolist() for key in keys), strict=True))


def _written(uri: str) -> float:
    """When a file was last written; NaN if it cannot be seen."""
    try:
        return os.stat(uri).st_mtime  # noqa: PTH116 - of many files
    except OSError:
        return float("nan")


class _Details:
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

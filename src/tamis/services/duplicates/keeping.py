"""Which of several copies of a picture to keep."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.best_copy import ordered
from tamis.dataset.presence import gone_among
from tamis.services.duplicates.details import Details
from tamis.services.duplicates.preferences import DEFAULT, lies_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.services.duplicates.preferences import Preference
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices

__all__ = ["Keeping"]

_LOOKED_AT = 24


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
        self._details = Details(samples)
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
            "labeled": lambda _: ~samples.labelled[rows],
            "unlabeled": lambda _: samples.labelled[rows],
            "size": lambda _: -samples.bytes[rows],
            "path": lambda _: np.array([samples.path(row) for row in chosen], np.str_),
            "folder": lambda folder: ~self._inside(folder, chosen),
        }
        return [
            ~self._are_there(chosen),
            *(by_rule[rule.rule](rule.folder) for rule in self._rules),
            np.array([samples.ids[row] for row in chosen], np.str_),
        ]

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

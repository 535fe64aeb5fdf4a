"""Labels and splits from a table, each row given to the picture that its path means."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tamis.errors import InputError
from tamis.sources.image_reference import ImageReference
from tamis.sources.label_rows import read_label_rows
from tamis.sources.marks import Marks
from tamis.sources.spelling import (
    EXTENSION_DIFFERS,
    buckets,
    decoded,
    spelling_distance,
    without_extension,
)
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis.sources.spread import Location

__all__ = ["TableLabels"]

_NOTHING = Marks()
_FILE_URL = "file://"


class TableLabels:
    """Labels and splits from a CSV, TSV or Parquet file with the columns path, label and split.

    Either of label and split may be absent, and an empty cell says nothing. A path is absolute,
    or relative to the table's own folder, to a source, or as the source was given; tried in this
    order, in every spelling (see `spelling_distance`). Inside an archive, paths are relative to
    the archive. A row of a video is of all its frames, but those with rows of their own
    (`video.mp4!frame=12`).

    A row is of the picture that its path fits best. Where it fits several as well, it is of none;
    where several rows fit a picture as well and differ, it gets none. Both are said in `notes`.

    Memory: the table.

    Args:
        file: the table.

    Raises:
        InputError: the file cannot be read, lacks the columns or any row, or says two things of one
            path.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._rows: list[_Row] = []
        self._known: dict[tuple[str, int | None], _Row] = {}
        self._by_absolute: dict[str, list[_Row]] = defaultdict(list)
        self._by_relative: dict[str, list[_Row]] = defaultdict(list)
        self._pictures = 0
        self._without = 0
        self._first_without = ""
        self._torn: list[str] = []
        self._pathless = 0
        self._root = os.path.abspath(Path(file).parent)  # noqa: PTH100 - links stay as they are
        for path, label, split, literal in read_label_rows(file):
            if path:
                self._add(path, Marks(label, split), literal)
            else:
                self._pathless += 1
        if not self._rows:
            raise InputError(f"{file} has a header and no row with a path below it")

    @property
    def rows(self) -> int:
        """How many pictures the table speaks of."""
        return len(self._rows)

    @property
    def matched(self) -> int:
        """How many of them `of` was asked about so far."""
        return sum(row.used for row in self._rows)

    @property
    def without(self) -> int:
        """How many of the pictures that `of` was asked about got nothing."""
        return self._without

    def survey(self, locations: Iterable[Location]) -> None:
        """Find for each row the picture that it fits best, before any is asked about.

        Raises:
            InputError: the table speaks of none of these pictures.
        """
        first = None
        for location in locations:
            first = first or location
            for fit in self._fits(location):
                fit.row.offer(fit.rank, location.uri)
        if any(row.rank is not None for row in self._rows):
            return
        wanted = f", such as {first.relative}" if first else ""
        given = f", such as {self._rows[0].path},"
        raise InputError(
            f"none of the {self.rows} paths in {self.file}{given} is that of a picture{wanted}; "
            "give them relative to the table's folder or to the source"
        )

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture, and note that its row was of use."""
        self._pictures += 1
        marks = self._marks(location)
        if marks == _NOTHING:
            self._without += 1
            self._first_without = self._first_without or location.path
        return marks

    def notes(self) -> list[str]:
        """Say which rows found no picture of their own, and how many pictures got nothing."""
        lost = [row for row in self._rows if row.rank is None or (row.beaten and not row.used)]
        shared = [row for row in self._rows if len(row.uris) > 1]
        said = []
        if lost:
            said.append(
                f"{len(lost)} of {self.rows} rows of {self.file} are of no picture here, such as "
                f"{lost[0].path}"
            )
        if self._pathless:
            said.append(
                f"{counted(self._pathless, 'row')} of {self.file} without a path, given to none"
            )
        if shared:
            said.append(
                f"{counted(len(shared), 'row')} of {self.file} for several pictures, given to "
                f"none, "
                f"such as {shared[0].path}: {' or '.join(shared[0].uris)}"
            )
        if self._torn:
            said.append(
                f"{self.file} says two things of {len(self._torn)} pictures, which got neither, "
                f"such as {self._torn[0]}"
            )
        if self._without:
            said.append(
                f"{self._without} of {self._pictures} pictures got nothing from {self.file}, "
                f"such as {self._first_without}"
            )
        return said

    def _marks(self, location: Location) -> Marks:
        fits = [
            fit
            for fit in self._fits(location)
            if fit.rank == fit.row.rank and fit.row.uris == [_file_of(location.uri)]
        ]
        if not fits:
            return _NOTHING
        nearest = min(fit.order for fit in fits)
        best = [fit.row for fit in fits if fit.order == nearest]
        for fit in fits:
            fit.row.beaten = fit.order != nearest
        if any(row.marks != best[0].marks for row in best):
            self._torn.append(location.path)
            return _NOTHING
        for row in best:
            row.used = True
        return best[0].marks

    def _fits(self, location: Location) -> Iterator[_Fit]:
        """Yield the rows that may be of a picture, a video or a frame."""
        places = (location.uri, posixpath.normpath(location.relative), location.path)
        frames = [_frame_of(place) for place in places]
        number = frames[0][1]
        files = [file for file, _ in frames]
        for kind, (index, file) in enumerate(
            (
                (self._by_absolute, files[0]),
                (self._by_relative, files[1]),
                (self._by_relative, posixpath.normpath(files[2])),
            )
        ):
            for row in index.get(without_extension(decoded(file)), ()):
                if row.frame is not None and not (location.is_video or row.frame == number):
                    continue
                for literal, ways in enumerate(row.ways):
                    wanted = ways.absolute if kind == 0 else ways.relative
                    distance = spelling_distance(wanted, file)
                    if distance is not None:
                        yield _Fit(row, (distance >= EXTENSION_DIFFERS, kind, distance, literal))

    def _add(self, path: str, marks: Marks, literal: str | None) -> None:
        way, frame = self._way(path)
        known = self._known.get((way.absolute, frame))
        if known is not None:
            if known.marks != marks:
                raise InputError(
                    f"{self.file} says two things of {path}: {_spelt(known.marks)} and "
                    f"{_spelt(marks)}; keep one row"
                )
            return
        ways = [way] if literal is None else [way, self._way(literal)[0]]
        row = _Row(path, marks, frame, ways)
        self._known[way.absolute, frame] = row
        self._rows.append(row)
        for key in {key for way in ways for key in buckets(way.absolute)}:
            self._by_absolute[key].append(row)
        for key in {key for way in ways if way.relative for key in buckets(way.relative)}:
            self._by_relative[key].append(row)

    def _way(self, path: str) -> tuple[_Way, int | None]:
        """Return where a path leads, and the number of the frame that it names."""
        path = path.removeprefix(_FILE_URL)
        path = path if "/" in path else path.replace("\\", "/")
        file, frame = _frame_of(path)
        absolute = os.path.abspath(os.path.join(self._root, file))  # noqa: PTH100, PTH118 - as above
        return _Way(absolute, "" if posixpath.isabs(file) else posixpath.normpath(file)), frame


_Rank = tuple[bool, int, int, int]
"""How well a path fits: whether but for the extension, which kind of path, how far in spelling,
whether literally."""


class _Way(NamedTuple):
    """A path as one from the table's folder, and as one from a source; empty if it cannot be."""

    absolute: str
    relative: str


@dataclass(slots=True)
class _Row:
    """A row, and the pictures that it fits best so far; two of them are enough to know."""

    path: str
    marks: Marks
    frame: int | None
    ways: list[_Way]
    rank: _Rank | None = None
    uris: list[str] | tuple[()] = ()
    used: bool = False
    beaten: bool = False

    def offer(self, rank: _Rank, uri: str) -> None:
        """Take note of a picture that the path fits."""
        if self.rank is None or rank < self.rank:
            self.rank, self.uris = rank, [uri]
        elif rank == self.rank and uri not in self.uris and len(self.uris) == 1:
            self.uris = [*self.uris, uri]


class _Fit(NamedTuple):
    row: _Row
    rank: _Rank

    @property
    def order(self) -> tuple[bool, int, int]:
        """Sorts rows of one picture: those of a single frame first, then by their spelling."""
        return (self.row.frame is None, *self.rank[2:])


def _file_of(uri: str) -> str:
    return _frame_of(uri)[0]


def _frame_of(place: str) -> tuple[str, int | None]:
    """Return the video and the number of a frame; any other place as it is."""
    found = ImageReference.spelled(place)
    return (place, None) if found.frame is None else (found.file, found.frame)


def _spelt(marks: Marks) -> str:
    return " / ".join(part for part in (marks.label, marks.split) if part) or "nothing"

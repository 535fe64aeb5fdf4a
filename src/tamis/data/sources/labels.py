"""Labels and splits that come with the pictures: from folder names or from a table."""

from __future__ import annotations

import csv
import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.data.video.places import split_frame_uri
from tamis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis.data.sources.locations import Location

__all__ = ["FolderLabels", "Marks", "NoLabels", "PictureLabels", "TableLabels", "open_labels"]

_COLUMNS = ("path", "label", "split")


@dataclass(frozen=True)
class Marks:
    """What is said of one picture; None where nothing is said."""

    label: str | None = None
    split: str | None = None


_NOTHING = Marks()


class PictureLabels(Protocol):
    """Says what is known of a picture beforehand."""

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture."""


class NoLabels:
    """No picture has a label."""

    def of(self, location: Location) -> Marks:  # noqa: ARG002 - the protocol's
        """Give no marks."""
        return _NOTHING


class FolderLabels:
    """The folder that a picture lies in is its label, directly in the source's root none."""

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture."""
        return Marks(label=location.folder)


class TableLabels:
    """Labels and splits from a CSV, TSV or Parquet file with the columns path, label and split.

    Either of label and split may be absent, and an empty cell says nothing. A path is absolute,
    or relative to the table's own folder, to a source, or as the source was given; tried in this
    order. Inside an archive, paths are relative to the archive. A row of a video is of all its
    frames, but those with rows of their own (`video.mp4!frame=12`). Memory: the table.

    Args:
        file: the table.

    Raises:
        InputError: the file cannot be read, lacks the columns, or says two things of one path.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._marks: list[Marks] = []
        self._by_uri: dict[str, int] = {}
        self._by_relative: dict[str, int] = {}
        self._videos_of_frames: set[str] = set()
        self._matched = bytearray()
        self._root = os.path.abspath(Path(file).parent)  # noqa: PTH100 - links stay as they are
        for path, marks in _rows(file):
            self._add(path, marks)
        self._matched = bytearray(len(self._marks))

    @property
    def rows(self) -> int:
        """How many pictures the table speaks of."""
        return len(self._marks)

    @property
    def matched(self) -> int:
        """How many of them `of` was asked about so far."""
        return self._matched.count(1)

    def of(self, location: Location) -> Marks:
        """Give the marks of one picture, and note that its row was of use."""
        row = self._find(location)
        if row is None:
            return _NOTHING
        self._matched[row] = 1
        return self._marks[row]

    def require_match(self, locations: Iterable[Location]) -> None:
        """Check that the table speaks of at least one of these pictures; stops at the first.

        Raises:
            InputError: it speaks of none.
        """
        first = None
        for location in locations:
            first = first or location
            places = {location.uri, posixpath.normpath(location.relative), location.path}
            if self._find(location) is not None or places & self._videos_of_frames:
                return
        wanted = f", such as {first.relative}" if first else ""
        given = f", such as {next(iter(self._by_relative or self._by_uri))}" if self.rows else ""
        raise InputError(
            f"none of the {self.rows} paths in {self.file}{given} is that of a picture{wanted}; "
            "give them relative to the table's folder or to the source"
        )

    def _find(self, location: Location) -> int | None:
        places = (location.uri, location.relative, location.path)
        row = self._find_at(*places)
        frames = [split_frame_uri(place) for place in places]
        if row is None and all(frames):
            row = self._find_at(*(frame[0] for frame in frames if frame))
        return row

    def _find_at(self, uri: str, relative: str, path: str) -> int | None:
        row = self._by_uri.get(uri)
        if row is None:
            row = self._by_relative.get(posixpath.normpath(relative))
        if row is None:
            row = self._by_relative.get(posixpath.normpath(path))
        return row

    def _add(self, path: str, marks: Marks) -> None:
        path = path if "/" in path else path.replace("\\", "/")
        absolute = os.path.abspath(os.path.join(self._root, path))  # noqa: PTH100, PTH118 - as above
        row = self._by_uri.setdefault(absolute, len(self._marks))
        if row == len(self._marks):
            self._marks.append(marks)
        elif self._marks[row] != marks:
            raise InputError(
                f"{self.file} says two things of {path}: {_spelt(self._marks[row])} and "
                f"{_spelt(marks)}; keep one row"
            )
        if not posixpath.isabs(path):
            self._by_relative.setdefault(posixpath.normpath(path), row)
        frames = [split_frame_uri(place) for place in (absolute, posixpath.normpath(path))]
        self._videos_of_frames |= {frame[0] for frame in frames if frame}


def open_labels(labels: str) -> PictureLabels:
    """Choose where labels come from.

    Args:
        labels: "none", "folder", or the path of a table.

    Raises:
        InputError: the table cannot be used.

    >>> type(open_labels("folder")).__name__
    'FolderLabels'
    """
    if labels == "none":
        return NoLabels()
    if labels == "folder":
        return FolderLabels()
    return TableLabels(labels)


def _rows(file: str) -> Iterator[tuple[str, Marks]]:
    try:
        table = _read_parquet(file) if file.lower().endswith(".parquet") else _read_text(file)
        for path, label, split in table:
            if path:
                yield path, Marks(label or None, split or None)
    except FileNotFoundError as error:
        raise InputError(
            f"there is no label file {file!r}; labels are 'none', 'folder', or the path of a "
            "CSV or Parquet file with the columns path, label and split"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"cannot read the label file {file}: {error}") from error


def _read_text(file: str) -> Iterator[tuple[str, str, str]]:
    with Path(file).open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline()
        stream.seek(0)
        delimiter = max(",;\t", key=header.count)  # a comma where none occurs
        reader = csv.reader(stream, delimiter=delimiter)
        places = _places(next(reader, []), file)
        for row in reader:
            yield (
                _cell(row, places["path"]),
                _cell(row, places["label"]),
                _cell(row, places["split"]),
            )


def _read_parquet(file: str) -> Iterator[tuple[str, str, str]]:
    parquet = pq.ParquetFile(file)
    names = parquet.schema_arrow.names
    places = _places(names, file)
    wanted = [names[place] for place in places.values() if place is not None]
    for batch in parquet.iter_batches(columns=wanted):
        columns = [
            [""] * batch.num_rows
            if place is None
            else batch.column(names[place]).cast(pa.string()).fill_null("").to_pylist()
            for place in (places[name] for name in _COLUMNS)
        ]
        yield from zip(*columns, strict=True)


def _places(header: list[str], file: str) -> dict[str, int | None]:
    """Find the columns by name, whatever their case and order."""
    names = [name.strip().lower() for name in header]
    places = {name: names.index(name) if name in names else None for name in _COLUMNS}
    if places["path"] is None or (places["label"] is None and places["split"] is None):
        raise InputError(
            f"{file} needs a column 'path' and a column 'label' or 'split'; it has "
            f"{', '.join(header) or 'none'}"
        )
    return places


def _cell(row: list[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _spelt(marks: Marks) -> str:
    return " / ".join(part for part in (marks.label, marks.split) if part) or "nothing"

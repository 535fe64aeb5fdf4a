"""The rows of a table of labels, from a CSV, TSV or Parquet file."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tamis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LabelRow", "quoted_cell", "read_label_rows", "unquoted_cell"]

_COLUMNS = ("path", "label", "split")
_MISSING = {"nan", "NaN", "<NA>"}
"""What programs write for a value that is not there."""

_FORMULA = re.compile("'*[=+\\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class LabelRow(NamedTuple):
    """One row of a table; None where it says nothing.

    `literal` is the path as it stands there, where a `'` in front was taken for that of
    `quoted_cell`: the picture's name may begin with one.
    """

    path: str
    label: str | None
    split: str | None
    literal: str | None = None


def quoted_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that begins so gets a `'`.

    >>> quoted_cell("=1+1"), quoted_cell("-3.5"), quoted_cell("cat")
    ("'=1+1", '-3.5', 'cat')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unquoted_cell(text: str) -> str:
    """Return the text of which `quoted_cell` made a cell.

    >>> unquoted_cell("'=1+1"), unquoted_cell("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def read_label_rows(file: str) -> Iterator[LabelRow]:
    """Read the columns path, label and split, whatever their order and case.

    Cells that are empty or not a number (NaN) say nothing; a row of empty cells is no row.

    Raises:
        InputError: the file is missing or cannot be read, lacks a column, has one twice, or has a
            row with more cells than columns.
    """
    try:
        is_parquet = file.lower().endswith(".parquet")
        for path, label, split, literal in (_read_parquet if is_parquet else _read_text)(file):
            row = LabelRow(path, _said(label), _said(split), literal)
            if path or row.label or row.split:
                yield row
    except FileNotFoundError as error:
        raise InputError(
            f"there is no label file {file!r}; labels are 'none', 'folder', or the path of a "
            "CSV or Parquet file with the columns path, label and split"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"the label file {file} is not UTF-8 (its byte {error.start}); save it as UTF-8"
        ) from error
    except (OSError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"cannot read the label file {file}: {error}") from error


def _said(cell: str) -> str | None:
    return None if cell in _MISSING else cell or None


_Cells = tuple[str, str, str, str | None]
"""Of path, label and split, and the path before a quote was taken off."""


def _read_text(file: str) -> Iterator[_Cells]:
    with Path(file).open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline()
        stream.seek(0)
        delimiter = max(",;\t", key=header.count)  # a comma where none occurs
        reader = csv.reader(stream, delimiter=delimiter)
        names = next(reader, [])
        places = _places(names, file)
        for row in reader:
            if any(cell.strip() for cell in row[len(names) :]):
                raise InputError(
                    f"line {reader.line_num} of {file} has {len(row)} cells and the header "
                    f"{len(names)}; put cells with {delimiter!r} in them in quotes"
                )
            cells = [_cell(row, places[name]) for name in _COLUMNS]
            path, label, split = map(unquoted_cell, cells)
            yield path, label, split, cells[0] if path != cells[0] else None


def _read_parquet(file: str) -> Iterator[_Cells]:
    with Path(file).open("rb") as stream:  # of a path with a colon Arrow makes a web address
        parquet = pq.ParquetFile(stream)
        places = _places(parquet.schema_arrow.names, file)
        wanted = [parquet.schema_arrow.names[at] for at in places.values() if at is not None]
        for batch in parquet.iter_batches(columns=wanted):
            columns = [
                [""] * batch.num_rows
                if place is None
                else _texts(batch.column(parquet.schema_arrow.names[place]))
                for place in (places[name] for name in _COLUMNS)
            ]
            for path, label, split in zip(*columns, strict=True):
                yield path, label, split, None


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    texts: list[str] = column.cast(pa.string()).fill_null("").to_pylist()
    return texts


def _places(header: list[str], file: str) -> dict[str, int | None]:
    """Find the columns by name, whatever their case and order."""
    names = [name.strip().lower() for name in header]
    for name in _COLUMNS:
        if names.count(name) > 1:
            raise InputError(
                f"{file} has {names.count(name)} columns {name!r}; keep the one that is meant"
            )
    places = {name: names.index(name) if name in names else None for name in _COLUMNS}
    if places["path"] is None or (places["label"] is None and places["split"] is None):
        raise InputError(
            f"{file} needs a column 'path' and a column 'label' or 'split'; it has "
            f"{', '.join(header) or 'none'}"
        )
    return places


def _cell(row: list[str], place: int | None) -> str:
    if place is None or place >= len(row):
        return ""
    return row[place].strip()

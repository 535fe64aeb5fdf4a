"""Image folders of Hugging Face `datasets`: pictures beside `metadata.jsonl` or `.csv`."""

from __future__ import annotations

import csv
import json
import os
from typing import TYPE_CHECKING, Any, Final

from tamis.errors import InputError
from tamis.formats.annotations.records import read_record
from tamis.formats.annotations.source_annotation import place, text
from tamis.sources.folder import is_hidden
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_image_folder", "read_image_folder"]

_NAMES: Final = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
_LOOKED_AT: Final = 1 << 16
_LONGEST: Final = 64 << 20


def _metadata_files(folder: Path) -> list[Path]:
    """Return the files of metadata at or below a folder, sorted."""
    found = []
    for at, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not is_hidden(name)]
        found += [folder / at / name for name in names if name in _NAMES]
    return sorted(found)


def is_image_folder(folder: Path) -> bool:
    """Tell whether there is metadata that names files of pictures at or below a folder."""
    return any(_names_files(file) for file in _metadata_files(folder))


def _names_files(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            start = stream.read(_LOOKED_AT)
    except OSError:
        return False
    return b"file_name" in start or start[:4] == b"PAR1"  # Parquet has its names at the end


def read_image_folder(source: Path) -> Iterator[Said]:
    """Read metadata, a record a picture; see `records` for what is understood.

    Raises:
        InputError: there is no metadata, or it cannot be read.
    """
    files = _metadata_files(source) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{source} has no metadata.jsonl or metadata.csv at or below it")
    for file in files:
        try:
            yield from _read(file)
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{file} cannot be read as metadata of pictures: {error}") from error


def _read(file: Path) -> Iterator[Said]:
    for number, record in enumerate(_records(file), start=1):
        if isinstance(record, Exception):
            yield Failure(str(file), f"line {number} is no JSON: {record}", str(file))
            continue
        try:
            name = text(record["file_name"])
        except (KeyError, TypeError, ValueError) as error:
            reason = f"line {number} has no file_name that can be used: {error}"
            yield Failure(str(file), reason, str(file))
            continue
        yield from read_record(
            record, {"picture": name, "places": (place(file.parent, name),)}, file
        )


def _records(file: Path) -> Iterator[Any]:
    match file.suffix:
        case ".jsonl":
            with file.open(encoding="utf-8-sig") as stream:
                while line := stream.readline(_LONGEST):
                    if line.strip():
                        try:
                            yield json.loads(line)
                        except (ValueError, RecursionError) as error:
                            yield error
        case ".csv":
            with file.open(encoding="utf-8-sig", newline="") as stream:
                yield from csv.DictReader(stream)
        case _:
            from pyarrow import parquet

            with file.open("rb") as binary:
                for batch in parquet.ParquetFile(binary).iter_batches():
                    yield from batch.to_pylist()

"""Arrow folders of Hugging Face `datasets`, as `save_to_disk` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tamis.errors import InputError
from tamis.formats.annotations.records import read_record
from tamis.formats.annotations.source_annotation import place, text
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_hugging_face", "read_hugging_face"]


def is_hugging_face(folder: Path) -> bool:
    """Tell whether a folder was written by `save_to_disk`."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def read_hugging_face(folder: Path) -> Iterator[Said]:
    """Read a dataset or all splits of one, row by row; pictures are known by their paths.

    Raises:
        InputError: it is no such folder, or a file is damaged.
    """
    if not is_hugging_face(folder):
        raise InputError(f"{folder} has neither dataset_dict.json nor state.json of `save_to_disk`")
    try:
        parts = [folder]
        if (folder / "dataset_dict.json").is_file():
            document = json.loads((folder / "dataset_dict.json").read_bytes())
            parts = [folder / _name(split) for split in document["splits"]]
        for part in parts:
            state = json.loads((part / "state.json").read_bytes())
            for one in state["_data_files"]:
                yield from _read(folder, part / _name(one["filename"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{folder} cannot be read as a dataset of save_to_disk: {error}"
        ) from error


def _name(value: object) -> str:
    """Return the name of a file or folder, which leads nowhere else."""
    name = text(value)
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is no name of a file in it")
    return name


def _read(root: Path, file: Path) -> Iterator[Said]:
    with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
        column = _picture_column(reader.schema)
        names = dict(_names("", _features(reader.schema)))
        for batch in reader:
            pictures = batch.column(column)
            if pa.types.is_struct(pictures.type):
                pictures = pictures.field("path")
            others = [name for name in batch.schema.names if name != column]
            rows = zip(pictures.to_pylist(), batch.select(others).to_pylist(), strict=True)
            for path, record in rows:
                try:
                    name = text(path)
                except ValueError as error:
                    yield Failure(
                        str(file), f"a row has no path of its picture: {error}", str(file)
                    )
                    continue
                common = {"picture": name, "places": (place(file.parent, name), place(root, name))}
                yield from read_record(record, common, file, names)


def _picture_column(schema: pa.Schema) -> str:
    """Return the column of pictures, each bytes and a path or a path alone."""
    for field in schema:
        if pa.types.is_struct(field.type) and field.type.get_field_index("path") >= 0:
            return str(field.name)
    for name in ("file_name", "image_path", "path", "image"):
        if name in schema.names and pa.types.is_string(schema.field(name).type):
            return name
    raise ValueError("it has no column of pictures with their paths")


def _features(schema: pa.Schema) -> Any:
    told = (schema.metadata or {}).get(b"huggingface")
    return json.loads(told)["info"]["features"] if told else {}


def _names(prefix: str, feature: Any) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the names of classes by the field whose numbers mean them."""
    if isinstance(feature, list):
        for one in feature:
            yield from _names(prefix, one)
        return
    if not isinstance(feature, dict):
        return
    kind = feature.get("_type")
    if kind == "ClassLabel" and isinstance(feature.get("names"), list):
        yield prefix, feature["names"]
    elif isinstance(kind, str):
        yield from _names(prefix, feature.get("feature"))
    else:
        inner: Mapping[str, Any] = feature
        for name, one in inner.items():
            yield from _names(f"{prefix}.{name}" if prefix else name, one)

"""Write Arrow files as `datasets.load_from_disk` reads them, the pictures inside."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from tamis.formats.exports.annotated_picture import AnnotationFormat
from tamis.formats.exports.records import Records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["HuggingFaceWriter"]

_IMAGE: Final = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_FILE_BYTES: Final = 500 << 20
_BATCH_BYTES: Final = 32 << 20
_BATCH_ROWS: Final = 1000


class HuggingFaceWriter:
    """Writes what `Dataset.save_to_disk` does, a `DatasetDict` if there are splits.

    Each row has the picture as `image` and what is said of it (see `records`); classes are numbers
    with names, as `ClassLabel`. Memory: some 32 MiB of pictures.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`. The file is inside; this is what it is called there."""
        return "/".join(part for part in (split_name(picture.subset), picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        records = Records(exported)
        names = list(exported.classes)
        schema, features = _schema(records.schema, names)
        numbers = {name: number for number, name in enumerate(names)}
        splits = {subset: split_name(subset) for subset in exported.subsets}
        parts = {subset: _Split(folder, name, schema, features) for subset, name in splits.items()}
        try:
            for picture in exported.annotated:
                record = records.of(picture)  # counts what is lost of those that are there, too
                if picture.name in parts[picture.subset].done:
                    continue
                content = exported.content(picture)
                if content is not None:
                    record = _numbered(record, numbers)
                    image = {"bytes": content, "path": picture.name}
                    parts[picture.subset].add({"image": image, **record}, len(content))
            for part in parts.values():
                part.finish()
        finally:
            for part in parts.values():
                part.close()
        files = [file for part in parts.values() for file in part.end()]
        if any(splits.values()):
            _write(folder / "dataset_dict.json", {"splits": list(splits.values())})
            files.append("dataset_dict.json")
        return files


def split_name(subset: str) -> str:
    """Return a split as `datasets` can call it.

    >>> split_name("no-split"), split_name("train")
    ('no_split', 'train')
    """
    return re.sub(r"\W", "_", subset)


def _schema(schema: pa.Schema, names: Sequence[str]) -> tuple[pa.Schema, dict[str, Any]]:
    """Return the schema with classes as numbers, and how `datasets` describes it."""
    fields = {"image": _IMAGE}
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    for field in schema:
        fields[field.name], features[field.name] = _typed(field.name, field.type, names)
    return pa.schema(list(fields.items())), features


def _typed(name: str, kind: pa.DataType, names: Sequence[str]) -> tuple[pa.DataType, Any]:
    if pa.types.is_struct(kind):
        inner = {field.name: _typed(f"{name}.{field.name}", field.type, names) for field in kind}
        storage = pa.struct({key: one for key, (one, _) in inner.items()})
        return storage, {key: feature for key, (_, feature) in inner.items()}
    if pa.types.is_list(kind):
        storage, feature = _typed(name, kind.value_type, names)
        return pa.list_(storage), {"feature": feature, "_type": "Sequence"}
    if name in _CLASSES and names:
        return pa.int64(), {"names": list(names), "_type": "ClassLabel"}
    return kind, {"dtype": _DTYPES[kind], "_type": "Value"}


_CLASSES: Final = ("label", "labels.name", "objects.category")
_DTYPES: Final = {
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.string(): "string",
    pa.bool_(): "bool",
}


def _numbered(record: dict[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    if "label" in record:
        record["label"] = numbers.get(record["label"])
    for group, key in (("labels", "name"), ("objects", "category")):
        if group in record:
            record[group][key] = [numbers.get(one) for one in record[group][key]]
    return record


class _Split:
    """One split on the way: rows are gathered to batches, and batches to files.

    Files that an earlier run finished stay.

    Attributes:
        done: pictures that are in finished files from the beginning.
    """

    def __init__(
        self, folder: Path, name: str, schema: pa.Schema, features: dict[str, Any]
    ) -> None:
        self._root, self._name = folder, name
        self._folder = folder / name if name else folder
        self._folder.mkdir(exist_ok=True)
        self._features = features
        told = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        self._schema = schema.with_metadata(told)
        self._rows: list[dict[str, Any]] = []
        self._bytes = self._in_file = 0
        self._files: list[Path] = []
        self._writer: Any = None
        self._sink: Any = None
        self.done: set[str] = set()
        while there := sorted(self._folder.glob(f"{self._stem}*.arrow")):
            self._files.append(there[0])
            with pa.memory_map(str(there[0])) as source, pa.ipc.open_stream(source) as batches:
                for batch in batches:
                    self.done.update(batch.column("image").field("path").to_pylist())

    @property
    def _stem(self) -> str:
        return f"data-{len(self._files):05d}"

    def add(self, row: dict[str, Any], size: int) -> None:
        """Take a row whose picture has so many bytes."""
        self._rows.append(row)
        self._bytes += size
        if self._bytes >= _BATCH_BYTES or len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._sink = (self._folder / f"{self._stem}.part").open("wb")
            self._writer = pa.ipc.new_stream(self._sink, self._schema)
        if self._rows:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
        self._in_file += self._bytes
        self._rows, self._bytes = [], 0
        if self._in_file >= _FILE_BYTES:
            self._name_file()

    def _name_file(self) -> None:
        self.close()
        file = self._folder / f"{self._stem}.arrow"
        (self._folder / f"{self._stem}.part").rename(file)
        self._files.append(file)

    def finish(self) -> None:
        """Write what is left."""
        if self._rows or not self._files:
            self._flush()
        if self._writer is not None:
            self._name_file()

    def close(self) -> None:
        """Close the file that is open as it is."""
        if self._writer is not None:
            self._writer.close()
            self._sink.close()
        self._writer, self._in_file = None, 0

    def end(self) -> list[str]:
        """Name the files as `datasets` does, describe them, and return their places."""
        names = []
        for number, file in enumerate(self._files):
            name = f"data-{number:05d}-of-{len(self._files):05d}.arrow"
            file.rename(self._folder / name)
            names.append(name)
        state: dict[str, Any] = {
            "_data_files": [{"filename": name} for name in names],
            "_fingerprint": "tamis",
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": self._name or None,
        }
        _write(self._folder / "state.json", state)
        info = dict.fromkeys(("citation", "description", "homepage", "license"), "")
        _write(self._folder / "dataset_info.json", info | {"features": self._features})
        prefix = f"{self._name}/" if self._name else ""
        return [f"{prefix}{name}" for name in (*names, "state.json", "dataset_info.json")]


def _write(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")


FORMAT = AnnotationFormat(HuggingFaceWriter, packs_pictures=True)

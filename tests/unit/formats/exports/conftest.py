"""A small dataset with real files, an archive and every kind of column."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tamis.dataset.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Example:
    store: Store
    photos: Path
    contents: dict[str, bytes]


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """Five pictures: two of one name in two folders, one more, two in a zip file."""
    photos = tmp_path / "photos"
    names = ["a/1.jpg", "b/1.jpg", "b/two.jpg"]
    contents = {f"photos/{name}": jpeg(number) for number, name in enumerate(names)}
    for path, content in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    for number, member in enumerate(["root.jpg", "deep/1.jpg"], start=10):
        contents[f"more.zip!{member}"] = jpeg(number)
        with zipfile.ZipFile(tmp_path / "more.zip", "a") as archive:
            archive.writestr(member, contents[f"more.zip!{member}"])
    rows = [
        {
            "sample_id": hashlib.blake2b(path.encode(), digest_size=16).hexdigest(),
            "path": path,
            "uri": str(tmp_path / path),
            "source": path.split("/")[0],
            "bytes": len(content),
            "content_hash": hashlib.blake2b(content, digest_size=16).hexdigest(),
            "thumbnail": content,
            "captured_at": datetime(2024, 5, 1, 12, 30),  # noqa: DTZ001 - EXIF knows no zone
            "added_at": datetime(2024, 6, 1, tzinfo=UTC),
            "label": label,
            "split": split,
            "tags": tags,
        }
        for (path, content), label, split, tags in zip(
            contents.items(),
            ["cat", "cat", 'sour, "dog"\n', "../up", None],
            ["train", "train", "test", "train", "test"],
            [["x", "y, z"], [], None, ["é"], None],
            strict=True,
        )
    ]
    store = Store.create(tmp_path / "example.tamis")
    with store.operation("add") as op:
        op.insert(pa.Table.from_pylist(rows, schema=_types(store, list(rows[0]))))
        column = op.add_vector_column("toy", "f" * 16, 4)
        op.set_vectors(column, [row["sample_id"] for row in rows], np.eye(5, 4, dtype=np.float32))
    return Example(store, photos, contents)


def _types(store: Store, names: list[str]) -> pa.Schema:
    return store.read(names).schema

"""CSV and Parquet manifests: what is written is what is read back."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from tamis.errors import UsageError
from tamis.formats.exports import export

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Example


def test_parquet_keeps_rows_order_and_types(example: Example, tmp_path: Path) -> None:
    report = export(example.store, "parquet", tmp_path / "out")
    table = parquet.read_table(report.path)
    assert report.path == tmp_path / "out" / "manifest.parquet"
    assert report.exported == table.num_rows == 5
    assert table.equals(example.store.read(table.column_names))
    assert {"path", "label", "split", "tags", "sharpness"} <= set(table.column_names)


def test_thumbnails_and_vectors_stay_out_unless_asked_for(example: Example, tmp_path: Path) -> None:
    wide = ["thumbnail", example.store.vector_columns()[0].name]
    plain = parquet.read_table(export(example.store, "parquet", tmp_path / "a").path)
    assert not set(wide) & set(plain.column_names)
    full = parquet.read_table(
        export(example.store, "parquet", tmp_path / "b", columns=["path", *wide]).path
    )
    assert full.column_names == ["path", *wide]
    assert full.column(wide[1]).to_pylist()[0] == [1, 0, 0, 0]


def test_csv_is_read_back_by_the_standard_library(example: Example, tmp_path: Path) -> None:
    report = export(example.store, "csv", tmp_path / "table.csv")
    assert report.path == tmp_path / "table.csv"
    with report.path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == list(example.contents)
    assert [row["label"] for row in rows] == ["cat", "cat", 'sour, "dog"\n', "../up", ""]
    assert [json.loads(row["tags"]) if row["tags"] else None for row in rows] == [
        ["x", "y, z"],
        [],
        None,
        ["é"],
        None,
    ]
    assert rows[0]["captured_at"] == "2024-05-01T12:30:00"
    assert rows[0]["added_at"] == "2024-06-01T00:00:00+00:00"


def test_where_chooses_rows(example: Example, tmp_path: Path) -> None:
    report = export(example.store, "csv", tmp_path, "label = 'cat'")
    assert report.exported == 2


def test_an_existing_manifest_is_kept_unless_overwritten(example: Example, tmp_path: Path) -> None:
    export(example.store, "csv", tmp_path, "label = 'cat'")
    with pytest.raises(UsageError, match="exists already"):
        export(example.store, "csv", tmp_path)
    assert export(example.store, "csv", tmp_path, overwrite=True).exported == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xlsx"}, "no export format 'xlsx'"),
        ({"columns": ["colour"]}, "'colour'"),
        ({"columns": []}, "empty list"),
        ({"columns": ["thumbnail"]}, "CSV cannot carry"),
        ({"where": "label = 'zebra'"}, "no row fulfills"),
        ({"where": "colour = 1"}, "colour"),
        ({"link": "teleport"}, "'teleport'"),
        ({"format": "coco", "layer": "nobody"}, "no layer 'nobody'; there are truth"),
        ({"layer": "nobody"}, "no layer 'nobody'"),
    ],
)
def test_wrong_use_says_what_and_writes_nothing(
    example: Example, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    arguments = {"format": "csv", "destination": tmp_path / "out" / "m.csv", **options}
    with pytest.raises(UsageError, match=message):
        export(example.store, **arguments)
    assert [p for p in sorted(tmp_path.rglob("*")) if p.name != "out"] == before


def test_the_dataset_is_no_destination(example: Example) -> None:
    with pytest.raises(UsageError, match="lies in the dataset"):
        export(example.store, "csv", example.store.path / "m.csv")

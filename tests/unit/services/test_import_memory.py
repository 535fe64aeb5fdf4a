"""What an import holds in memory does not grow with its file."""

from __future__ import annotations

import json
import tracemalloc

import pyarrow as pa
import pytest

from sample_rows import sample_rows
from tamis.dataset.store import Store
from tamis.formats.annotations import annotation_rows, coco, json_members
from tamis.runtime.workspace import Workspace
from tamis.services.annotate import run, spooled_tables
from tamis.services.annotate.contract import Import

PICTURES = 20


@pytest.fixture
def workspace(tmp_path):
    rows = sample_rows(1, PICTURES + 1).drop(["width"])
    sides = pa.array([640] * PICTURES, pa.int32())
    rows = rows.append_column("uri", rows["path"]).append_column("width", sides)
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(rows.append_column("height", sides))
    return Workspace(store)


def most_held(workspace, file, layer, monkeypatch):
    """The most bytes that Python and Arrow hold while a file is read, and how many rows it gave."""
    held = []
    original = annotation_rows.AnnotationRows.table

    def table(rows):
        held.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())
        return original(rows)

    monkeypatch.setattr(annotation_rows.AnnotationRows, "table", table)
    tracemalloc.start()
    try:
        before = pa.total_allocated_bytes()
        report = run.import_annotations(workspace, Import("coco", file, layer=layer))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return max([peak, *held]) - before, report.imported


@pytest.mark.parametrize("outlines", [True, False])
def test_four_times_the_file_takes_no_more(workspace, tmp_path, monkeypatch, outlines):
    monkeypatch.setattr(json_members, "_CHUNK", 1 << 14)
    monkeypatch.setattr(annotation_rows, "_MANY", 200)
    monkeypatch.setattr(coco, "_BOXES_AT_ONCE", 100)
    monkeypatch.setattr(spooled_tables, "_HELD", 0)
    ring = [[float(n % 600 + n / 7) for n in range(40)]] if outlines else []
    most = []
    for count in (600, 600, 2400):  # the first one loads what the later ones have
        document = {
            "images": [
                {"id": n, "file_name": f"pictures/{n}.jpg"} for n in range(1, PICTURES + 1)
            ],
            "annotations": [
                {"id": n, "image_id": n % PICTURES + 1, "category_id": 1,
                 "bbox": [n % 500, 1, 9.5, 9], "segmentation": ring}
                for n in range(count)
            ],
            "categories": [{"id": 1, "name": "cat"}],
        }  # fmt: skip
        file = tmp_path / f"{len(most)}.json"
        file.write_text(json.dumps(document))
        with monkeypatch.context() as context:
            held, rows = most_held(workspace, file, f"layer{len(most)}", context)
        assert rows == count
        most.append(held)
    assert most[2] < 1.1 * most[1] + (2400 - 600) * 100  # ids as numbers, while they are sorted

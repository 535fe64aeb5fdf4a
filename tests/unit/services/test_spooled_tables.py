"""Rows that wait on disk are the same rows in the same order."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tamis.services.annotate import spooled_tables
from tamis.services.annotate.spooled_tables import SpooledTables


@pytest.mark.parametrize("held", [0, 100, 1 << 20])
def test_what_went_in_comes_out_as_often_as_asked(monkeypatch, held):
    monkeypatch.setattr(spooled_tables, "_HELD", held)
    tables = [pa.table({"a": [n, n + 1], "b": [[0.5] * (n + 1), None]}) for n in range(5)]
    waiting = SpooledTables()
    for table in tables:
        waiting.add(table)
    assert waiting.num_rows == 10
    for _ in range(2):
        found = pa.Table.from_batches(waiting.batches())
        assert found.to_pylist() == pa.concat_tables(tables).to_pylist()


def test_nothing_comes_out_of_nothing():
    assert list(SpooledTables().batches()) == []


def test_rows_on_disk_are_no_memory_of_arrow(monkeypatch):
    monkeypatch.setattr(spooled_tables, "_HELD", 0)
    waiting = SpooledTables()
    before = pa.total_allocated_bytes()
    for n in range(4):
        waiting.add(pa.table({"a": [float(n)] * (1 << 18)}))
    assert pa.total_allocated_bytes() - before < 1 << 20
    rows = most = 0
    for batch in waiting.batches():
        rows += batch.num_rows
        most = max(most, pa.total_allocated_bytes() - before)
    assert rows == 4 << 18
    assert most < 5 << 20

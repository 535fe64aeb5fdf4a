"""When vectors get an index: once it pays, and again once enough is new."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from filling import embed
from tamis.dataset.store import Store
from tamis.runtime import indexing
from tamis.runtime.indexing import audit_index, is_index_worthwhile
from tamis.runtime.workspace import Workspace
from tamis.services.embed import run as embedding
from tamis.services.index.contract import Index
from tamis.services.index.run import index
from tamis.types import Preprocessing


class Noise:
    """An encoder whose vectors are drawn by lot from a picture's first pixel."""

    spec = "test:noise"
    fingerprint = "a" * 32
    dim = 8
    preprocessing = Preprocessing(8, 8)

    def embed(self, pixels):
        rows = [np.random.default_rng(int(p[0, 0].sum())).normal(size=8) for p in pixels]
        vectors = np.array(rows)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A dataset of 600 rows whose pictures need not exist, in a world where 500 are many."""
    monkeypatch.setattr(indexing, "INDEX_FROM", 500)
    encoder = Noise()

    def embedded_at_once(_stage, rows):
        pixels = np.zeros((len(rows), 8, 8, 3), np.uint8)
        for number, row in enumerate(rows):
            pixels[number] = int(row.sample_id) % 256
        return embedding.EmbeddedBatch([row.sample_id for row in rows], encoder.embed(pixels), [])

    monkeypatch.setattr(embedding.EmbedBatch, "_embed", embedded_at_once)
    store = Store.create(tmp_path / "d.tamis")
    add(store, 0, 600)
    return store, encoder


def add(store, start, stop):
    names = [f"{number:04}" for number in range(start, stop)]
    rows = {"sample_id": names, "path": names, "uri": names, "source": names, "content_hash": names}
    with store.operation("add") as operation:
        operation.insert(pa.table(rows))


def test_embedding_a_large_dataset_indexes_it_as_one_change(store):
    store, encoder = store
    column = embed(store, encoder).column
    cover = store.index_cover(column)
    assert (cover.rows, cover.total) == (600, 600)
    assert store.undo().verb == "embed"
    assert column not in store.columns()


def test_new_rows_enter_the_index_when_there_are_enough(store):
    store, encoder = store
    column = embed(store, encoder).column
    add(store, 600, 605)
    embed(store, encoder)
    assert store.index_cover(column).rows == 600
    add(store, 605, 700)
    embed(store, encoder)
    assert store.index_cover(column).rows == 700


def test_a_small_dataset_gets_none_unless_asked(store, monkeypatch):
    store, encoder = store
    monkeypatch.setattr(indexing, "INDEX_FROM", 601)
    column = embed(store, encoder).column
    assert store.index_cover(column) is None
    assert not is_index_worthwhile(store, column, new=600)
    report = index(Workspace(store), Index())
    assert (report.covered, report.total, report.column) == (600, 600, column)
    assert store.log()[-1].verb == "index"


def test_an_audit_tells_what_the_index_loses(store):
    store, encoder = store
    column = embed(store, encoder).column
    audit = audit_index(store, column, queries=20)
    assert (audit.rows, audit.total, audit.queries) == (600, 600, 20)
    assert 0.9 <= audit.recall <= 1
    assert audit.milliseconds > 0
    assert audit_index(store, column, queries=20).recall == audit.recall


def test_an_audit_counts_what_is_lost(store, monkeypatch):
    store, encoder = store
    column = embed(store, encoder).column
    search = indexing.nearest

    def blind(store, column, query, count, *, exact):
        found = search(store, column, query, count, exact=exact)
        return found if exact else replace(found, ids=found.ids[:6])

    monkeypatch.setattr(indexing, "nearest", blind)
    assert 0.4 <= audit_index(store, column).recall <= 0.6


def test_without_an_index_there_is_nothing_to_audit(store, monkeypatch):
    store, encoder = store
    monkeypatch.setattr(indexing, "INDEX_FROM", 601)
    assert audit_index(store, embed(store, encoder).column) is None

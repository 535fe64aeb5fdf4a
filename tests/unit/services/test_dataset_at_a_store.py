"""A dataset that was pushed to an object store is read there, and changed on a disk only."""

from __future__ import annotations

from pathlib import Path

import pytest

import tamis
from sample_rows import add_vectors, content, insert, sample_id
from tamis.dataset.copies import Copy
from tamis.dataset.copying import push_dataset
from tamis.dataset.store import Store
from tamis.errors import DatasetMissingError, UsageError
from tamis.runtime.dataset_at import open_dataset
from tamis.sources.objects.address import ObjectAddress

ADDRESS = "s3://photos/line3.tamis"
AT = Path(ADDRESS)


@pytest.fixture
def store(tmp_path, monkeypatch, object_server):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    store = Store.create(tmp_path / "line3.tamis")
    insert(store, 0, 5)
    add_vectors(store, 0, 5)
    push_dataset(store.path, Copy(ObjectAddress.parse(ADDRESS)))
    return store


def label(store, name):
    with store.operation("label") as operation:
        operation.set_marks([sample_id(1)], {"label": [name]})


def test_it_is_read_as_it_was_pushed(store):
    assert content(open_dataset(AT)) == content(store)
    assert len(tamis.open(ADDRESS)) == 5
    assert open_dataset(AT, snapshot=2).snapshot == 2


def test_opening_again_fetches_only_what_is_new(store, object_server):
    open_dataset(AT)
    object_server.asked.clear()
    open_dataset(AT)
    assert not [key for method, key, _ in object_server.asked if "/files/" in key]
    label(store, "owl")
    push_dataset(store.path, Copy(ObjectAddress.parse(ADDRESS)))
    assert content(open_dataset(AT)) == content(store)


def test_it_is_never_changed(store):
    there = open_dataset(AT)
    for change in (
        lambda: label(there, "owl"),
        lambda: there.tag("here"),
        there.undo,
        lambda: there.checkout(1),
        lambda: there.prune(0),
    ):
        with pytest.raises(UsageError, match=f"tamis pull {ADDRESS} -d line3.tamis"):
            change()
    with pytest.raises(UsageError, match="read where it lies"):
        tamis.open(ADDRESS).tag("here")


def test_another_dataset_at_the_address_is_seen(store, tmp_path, object_server):
    open_dataset(AT)
    for key in [key for key in object_server.objects if key.startswith("line3.tamis")]:
        del object_server.objects[key]
    with pytest.raises(DatasetMissingError, match="no copy of a dataset"):
        open_dataset(AT)
    other = Store.create(tmp_path / "other.tamis")
    insert(other, 7, 9)
    push_dataset(other.path, Copy(ObjectAddress.parse(ADDRESS)))
    assert open_dataset(AT).count() == 2

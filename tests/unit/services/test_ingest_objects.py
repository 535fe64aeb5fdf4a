from __future__ import annotations

import pytest

import tamis
from cell_encoder import Cells
from filling import add_tiles, embed, ingest, ingest_new
from picture_files import photo_file
from tamis.dataset.presence import find_gone
from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.errors import InputError
from tamis.interfaces.server.pictures import original
from tamis.sources.objects import client

SOURCE = "s3://photos/cam/"


@pytest.fixture
def bucket(object_server):
    """A server with ten pictures of two cameras."""
    object_server.objects = {
        f"cam/{'ab'[number % 2]}/{number}.jpg": photo_file(seed=number) for number in range(10)
    }
    return object_server


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "line.tamis")


def uris(store):
    return sorted(store.read(["uri"]).column("uri").to_pylist())


def test_pictures_of_a_store_are_added(bucket, store):
    report = ingest(store, [SOURCE], labels="folder")
    assert (report.added, report.known, list(report.failed)) == (10, 0, [])
    assert uris(store) == sorted(f"s3://photos/{key}" for key in bucket.objects)
    assert set(store.read(["label"]).column("label").to_pylist()) == {"a", "b"}


def test_adding_again_reads_only_what_is_new_or_changed(bucket, store):
    ingest(store, [SOURCE])
    bucket.objects["cam/a/10.jpg"] = photo_file(seed=10)
    bucket.objects["cam/a/0.jpg"] = photo_file(seed=100)
    bucket.asked.clear()
    report = ingest(store, [SOURCE])
    assert (report.added, report.known) == (2, 9)
    read = {key for method, key, _ in bucket.asked if method == "GET" and key}
    assert read == {"cam/a/10.jpg", "cam/a/0.jpg"}
    store.undo()
    assert ingest(store, [SOURCE]).added == 2


def test_what_is_new_alone_reads_only_what_is_not_known(bucket, store):
    assert ingest_new(store, [SOURCE], Cells(), threshold=1.0).added == 10
    bucket.objects["cam/a/10.jpg"] = photo_file(seed=10)
    bucket.asked.clear()
    assert ingest_new(store, [SOURCE], Cells(), threshold=1.0).added == 1
    assert {key for _, key, _ in bucket.asked if key} == {"cam/a/10.jpg"}


def test_a_bad_object_is_listed_and_costs_no_other(bucket, store, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", {**client.PATIENCE, "max_retries": 1})
    bucket.busy["cam/b/1.jpg"] = -1
    bucket.objects["cam/b/3.jpg"] = bucket.objects["cam/b/3.jpg"][:-40]
    bucket.objects["cam/b/empty.jpg"] = b""
    report = ingest(store, [SOURCE])
    assert report.added == 8
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert set(reasons) == {f"{SOURCE}b/{name}.jpg" for name in ("1", "3", "empty")}
    assert "503" in reasons[f"{SOURCE}b/1.jpg"]
    bucket.busy.clear()
    assert ingest(store, [SOURCE]).added == 1


def test_a_store_that_vanishes_ends_the_run(bucket, store, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", {**client.PATIENCE, "max_retries": 1})
    bucket.busy = dict.fromkeys([*bucket.objects, "cam"], -1)
    with pytest.raises(InputError, match="cannot be reached any more"):
        ingest(store, [SOURCE])
    assert store.count() == 0


def test_originals_are_read_from_where_they_lie(bucket, store, tmp_path):
    ingest(store, [SOURCE])
    embed(store, Cells())
    name, uri = (store.read(["sample_id", "uri"]).column(c)[0].as_py() for c in (0, 1))
    data, media = original(Samples(store), name)
    assert (data, media) == (bucket.objects[uri.removeprefix("s3://photos/")], "image/jpeg")
    assert add_tiles(store, 2).added == 40
    dataset = tamis.open(store.path)
    dataset.export("folder", tmp_path / "out")
    copies = {path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")}
    assert copies == set(bucket.objects.values())


def test_a_check_asks_the_store(bucket, store):
    ingest(store, [SOURCE])
    del bucket.objects["cam/a/0.jpg"]
    bucket.objects["cam/a/2.jpg"] = photo_file(seed=50)
    bucket.asked.clear()
    assert find_gone(store) == []
    assert bucket.asked == []
    gone = find_gone(store, thorough=True)
    assert {(one.path, one.kind) for one in gone} == {
        (f"{SOURCE}a/0.jpg", "missing"),
        (f"{SOURCE}a/2.jpg", "changed"),
    }
    assert bucket.count("GET") == 1


def test_pictures_follow_into_a_store_and_back(bucket, tmp_path):
    folder = tmp_path / "photos"
    for key, data in bucket.objects.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    dataset = tamis.open(tmp_path / "line.tamis")
    dataset.add(folder / "cam")
    assert dataset.relink(str(folder), "s3://photos/").relinked == 10
    assert dataset.add(SOURCE).known == 10
    assert dataset.relink("s3://photos", str(folder)).relinked == 10
    assert dataset.check().problems == []


def test_only_later_keys_are_listed(bucket, store):
    assert ingest(store, [SOURCE], later_keys=True).added == 10  # nothing was there: all
    bucket.objects["cam/a/early.jpg"] = photo_file(seed=11)  # sorts before what is known
    bucket.objects["cam/c/1.jpg"] = photo_file(seed=12)
    bucket.objects["other/zz.jpg"] = photo_file(seed=13)
    report = ingest(store, [SOURCE], later_keys=True)
    assert (report.added, report.known) == (1, 0)
    assert "s3://photos/cam/c/1.jpg" in uris(store)
    # nothing new is no error, for the source is no empty one
    report = ingest(store, [SOURCE], later_keys=True)
    assert (report.added, report.known, list(report.failed)) == (0, 0, [])
    # the key is that of the folder, not of others
    assert ingest(store, ["s3://photos/other"], later_keys=True).added == 1
    report = ingest(store, [SOURCE])
    assert (report.added, report.known) == (1, 11)


def test_later_keys_of_an_empty_folder_are_refused_as_ever(bucket, store):
    with pytest.raises(InputError, match="holds no pictures"):
        ingest(store, ["s3://photos/nothing/"], later_keys=True)


def test_a_known_bucket_of_many_keys_takes_one_request(bucket, store):
    ingest(store, [SOURCE])
    bucket.objects |= {f"cam/a/{number:06d}.jpg": b"" for number in range(5000)}
    bucket.asked.clear()
    ingest(store, [SOURCE], later_keys=True)
    assert len(bucket.asked) == 1

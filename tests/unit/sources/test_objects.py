from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import InputError, MissingPictureError, PictureError
from tamis.sources.image_reference import ImageReference
from tamis.sources.locations import count_sources, iter_locations
from tamis.sources.objects import client
from tamis.sources.objects.address import ObjectAddress, is_object_address
from tamis.sources.objects.listing import ObjectListing
from tamis.sources.place import Places
from tamis.sources.reading import frame_at, read_bytes
from tamis.sources.spread import Location


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://line3/monday/1 #2.jpg", "line3", "monday/1 #2.jpg"),
        ("gs://line3", "line3", ""),
        ("az://line3/a%20b.jpg", "line3", "a%20b.jpg"),
        ("https://line3.example:8080/a%20b.jpg", "line3.example:8080", "a b.jpg"),
    ],
)
def test_an_address_is_a_bucket_and_a_key(text, bucket, key):
    address = ObjectAddress.parse(text)
    assert (address.bucket, address.key) == (bucket, key)
    assert str(address) == (text if key else f"{text}/")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_every_key_has_one_address(key):
    for root in ("s3://line3/", "https://line3.example/"):
        address = ObjectAddress.parse(root).at(key)
        assert ObjectAddress.parse(str(address)) == address
        assert is_object_address(str(address))


@pytest.mark.parametrize(
    "text",
    [
        "https://ann:secret@line3.example/1.jpg",
        "https://line3.example/1.jpg?token=secret",
        "https://line3.example/1.jpg#secret",
        "s3:///1.jpg",
        "https:///1.jpg",
    ],
)
def test_what_must_not_be_kept_is_refused_and_not_repeated(text):
    with pytest.raises(InputError) as caught:
        ObjectAddress.parse(text)
    assert "secret" not in str(caught.value)


def test_an_object_is_never_taken_for_an_archive_or_a_video():
    for text in ("s3://line3/a.zip!b.jpg", "s3://line3/a.mp4!frame=3", "s3://line3/~a/../b.jpg"):
        assert ImageReference.parse(text) == ImageReference(text)
        assert frame_at(text) is None
        assert Places().of(text) == text
    assert ImageReference.parse("s3://line3/a.jpg#xywh=1,2,3,4").file == "s3://line3/a.jpg"


def test_a_busy_server_is_asked_again(object_server):
    object_server.objects["1.jpg"] = b"picture"
    object_server.busy["1.jpg"] = 3
    assert read_bytes("s3://photos/1.jpg") == b"picture"
    assert object_server.count("GET", "1.jpg") == 4


def test_an_answer_that_breaks_off_is_asked_for_again(object_server):
    object_server.objects["1.jpg"] = b"a longer picture"
    object_server.dropped["1.jpg"] = 1
    assert read_bytes("s3://photos/1.jpg") == b"a longer picture"


@pytest.mark.parametrize("address", ["s3://photos/", "WEB"])
def test_each_refusal_is_a_reason(object_server, monkeypatch, address):
    root = object_server.web if address == "WEB" else address
    monkeypatch.setattr(client, "PATIENCE", {**client.PATIENCE, "max_retries": 2})
    monkeypatch.setattr(client, "WAITS", {"timeout": "0.2s"})
    object_server.objects |= {"busy.jpg": b"1", "slow.jpg": b"2", "big.jpg": b"3" * 101}
    object_server.busy["busy.jpg"] = -1
    object_server.hanging.add("slow.jpg")
    reasons = {}
    for name in ("busy", "slow", "big", "gone"):
        with pytest.raises(PictureError) as caught:
            read_bytes(f"{root}{name}.jpg", f"my {name}", max_bytes=100)
        assert caught.value.path == f"my {name}"
        reasons[name] = caught.value.reason
    assert isinstance(caught.value, MissingPictureError)
    assert reasons == {
        "busy": "the server answered 503 Service Unavailable, however often it was asked",
        "slow": "the server does not answer in time",
        "big": "101 bytes are over the limit of 100",
        "gone": "does not exist (any more)",
    }


def test_a_server_that_is_not_there_is_a_reason(object_server, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", {**client.PATIENCE, "max_retries": 1})
    with pytest.raises(PictureError, match="cannot be reached"):
        read_bytes("http://127.0.0.1:9/1.jpg")


def test_an_environment_without_an_account_is_a_reason(object_server, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(PictureError, match="environment does not say how"):
        read_bytes("az://line3/1.jpg")


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 95])
def test_a_large_object_is_read_in_parts(object_server, monkeypatch, size):
    monkeypatch.setattr(client, "PART_BYTES", 10)
    data = os.urandom(size)
    object_server.objects["1.jpg"] = data
    assert read_bytes("s3://photos/1.jpg") == data
    spans = [span for _, _, span in object_server.asked]
    assert len(spans) == 1 + max(-(-(size - 20) // 10), 0)
    assert len(set(spans)) == len(spans)


def test_an_object_that_changes_between_its_parts_is_not_mixed(object_server, monkeypatch):
    monkeypatch.setattr(client, "PART_BYTES", 10)
    object_server.objects["1.jpg"] = b"a" * 100
    pool = client.ThreadPoolExecutor

    def changed_first(*args, **options):
        object_server.objects["1.jpg"] = b"b" * 100
        return pool(*args, **options)

    monkeypatch.setattr(client, "ThreadPoolExecutor", changed_first)
    with pytest.raises(PictureError, match="changed while it was being read"):
        read_bytes("s3://photos/1.jpg")


def test_a_folder_of_a_store_is_listed_over_pages(object_server):
    names = [f"cam/{number:05d}.jpg" for number in range(2500)]
    hidden = [
        "cam/.a/1.jpg",
        "cam/__MACOSX/1.jpg",
        "cam/d.tamis/1.jpg",
        "cam/read.me",
        "camera.jpg",
    ]
    object_server.objects = dict.fromkeys([*names, *hidden], b"1")
    object_server.busy_lists = 2
    found = list(iter_locations(["s3://photos/cam"]))
    assert [place.uri for place in found] == [f"s3://photos/{name}" for name in names]
    first = found[0]
    assert isinstance(first, Location)
    assert (first.path, first.relative) == ("s3://photos/cam/00000.jpg", "00000.jpg")
    assert first.state is not None


def test_a_run_lists_a_source_once(object_server):
    object_server.objects = {"a/1.jpg": b"1", "a/2.jpg": b"2"}
    listing = ObjectListing()
    assert count_sources(["s3://photos/a/"], objects=listing).pictures == 2
    one, other = (iter_locations(["s3://photos/a/"], objects=listing) for _ in range(2))
    object_server.objects["a/3.jpg"] = b"3"
    assert list(zip(one, other, strict=True)) == [(place, place) for place in listing_of(listing)]
    assert len(object_server.asked) == 1


def listing_of(listing):
    return list(iter_locations(["s3://photos/a/"], objects=listing))


def test_a_single_object_is_a_source(object_server):
    object_server.objects = {"a/1.jpg": b"1", "a/1.jpg.txt": b"2"}
    for source in ("s3://photos/a/1.jpg", f"{object_server.web}a/1.jpg"):
        (place,) = iter_locations([source])
        assert (place.path, place.uri, place.relative) == (source, source, "1.jpg")


@pytest.mark.parametrize("name", ["cats.zip", "monday.mp4"])
def test_archives_and_videos_are_said_to_be_for_disks(object_server, name):
    object_server.objects[name] = b"1"
    (found,) = iter_locations([f"s3://photos/{name}"])
    assert found.reason == "archives and videos are read from disks only"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://photos/nothing/", "holds no pictures"),
        ("s3://photos/*.jpg", "patterns"),
        ("s3://elsewhere/", "does not exist"),
        ("WEB", "WebDAV"),
        ("WEBgone.jpg", "does not exist"),
    ],
)
def test_a_source_that_holds_nothing_is_refused(object_server, source, said):
    object_server.objects["1.jpg"] = b"1"
    with pytest.raises(InputError, match=said):
        count_sources([source.replace("WEB", object_server.web)])


def test_a_key_that_is_no_path_is_named(object_server):
    object_server.objects = {"a/../1.jpg": b"1"}
    with pytest.raises(InputError, match=r"key 'a/\.\./1\.jpg'"):
        count_sources(["s3://photos/"])

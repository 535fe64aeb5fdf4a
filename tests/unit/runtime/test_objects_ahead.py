from __future__ import annotations

import threading

import pytest

from tamis.errors import PictureError
from tamis.runtime import objects_ahead as module
from tamis.runtime.objects_ahead import objects_ahead

PLACES = [(f"s3://photos/{number}.jpg", f"my {number}") for number in range(20)]


def test_objects_are_read_at_once_and_handed_over_in_order(monkeypatch):
    together = threading.Barrier(module._AHEAD)
    first = {uri for uri, _ in PLACES[: module._AHEAD]}

    def read(uri, path):
        if uri in first:
            together.wait(60)
        return f"{uri} {path}".encode()

    monkeypatch.setattr(module, "read_bytes", read)
    with objects_ahead(PLACES) as ahead:
        assert [ahead(*place) for place in PLACES] == [f"{u} {p}".encode() for u, p in PLACES]


def test_no_more_are_in_memory_than_it_says(monkeypatch):
    asked = []

    def read(uri, _path):
        asked.append(uri)
        return b"1"

    monkeypatch.setattr(module, "read_bytes", read)
    with objects_ahead(PLACES) as ahead:
        for number, place in enumerate(PLACES):
            ahead(*place)
            assert len(asked) <= number + 1 + module._AHEAD
    assert sorted(asked) == sorted(uri for uri, _ in PLACES)


def test_what_cannot_be_read_is_said_in_its_turn(monkeypatch):
    def read(uri, path):
        if uri == PLACES[1][0]:
            raise PictureError(path, "gone")
        return b"1"

    monkeypatch.setattr(module, "read_bytes", read)
    with objects_ahead(PLACES) as ahead:
        assert ahead(*PLACES[0]) == b"1"
        with pytest.raises(PictureError, match="gone"):
            ahead(*PLACES[1])
        assert ahead(*PLACES[2]) == b"1"


def test_files_are_read_when_they_are_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "read_bytes", lambda uri, _path: asked.append(uri) or b"1")
    with objects_ahead([("/a.jpg", "a"), ("/b.jpg", "b"), ("s3://photos/c.jpg", "c")]) as ahead:
        ahead("/a.jpg", "a")
        assert asked == ["/a.jpg"]

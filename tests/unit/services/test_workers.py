"""Workers: the same result whatever their number, and a crash that costs one picture."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from filling import embed, ingest
from mosaic_encoder import Mosaic
from tamis.dataset.store import Store
from tamis.errors import OutOfMemoryError
from tamis.runtime import worker_choice
from tamis.runtime.worker_choice import in_processes
from tamis.services.add import pictures as adding
from tamis.services.embed import on_device


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(11):
        pixels = rng.integers(0, 256, (30 + number, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    (folder / "04-bad.png").write_text("no picture")
    return folder


def content(store):
    """All rows and failures but the times of the run."""
    rows = store.read([name for name in store.columns() if name != "added_at"])
    return rows.to_pylist(), store.failures().drop_columns(["time"]).to_pylist()


WAYS = [
    {"threads": 1, "processes": False},
    {"threads": 3, "processes": False},
    {"threads": 1, "processes": True},
]


def test_rows_and_vectors_are_the_same_whatever_works_on_them(tmp_path, photos):
    found = []
    for number, way in enumerate(WAYS):
        store = Store.create(tmp_path / f"{number}.tamis")
        ingest(store, [str(photos)], **way)
        embed(store, Mosaic(), batch_size=4, **way)
        found.append(content(store))
    assert len(found[0][0]) == 11
    assert found[1] == found[0]
    assert found[2] == found[0]


@dataclass
class OnCard(Mosaic):
    """On a device beside the processor, with room for some pictures at a time."""

    device: str = "cuda"
    room: int = 1 << 30
    sizes: list[int] = field(default_factory=list)

    def embed(self, pixels):
        self.sizes.append(len(pixels))
        if len(pixels) > self.room:
            raise OutOfMemoryError(self.spec, self.device)
        return super().embed(pixels)


@pytest.fixture(scope="module")
def added(tmp_path_factory, photos):
    """A dataset of the pictures, one of which has changed since."""
    store = Store.create(tmp_path_factory.mktemp("added") / "d.tamis")
    folder = store.path.parent / "photos"
    folder.mkdir()
    for photo in sorted(photos.glob("*.png")):
        (folder / photo.name).write_bytes(photo.read_bytes())
    ingest(store, [str(folder)])
    Image.new("RGB", (30, 30)).save(folder / "06.png")
    return store


@pytest.mark.parametrize("way", WAYS)
def test_a_device_gets_full_batches_of_what_can_be_decoded(added, way):
    card = OnCard(fingerprint=str(WAYS.index(way)) * 32)
    report = embed(added, card, batch_size=4, **way)
    assert sorted(card.sizes) == [2, 4, 4]
    assert report.embedded == 10
    [failure] = report.failed
    assert "has changed" in failure.reason
    plain = Mosaic(fingerprint="abc"[WAYS.index(way)] * 32)
    column = embed(added, plain, batch_size=4).column
    _, expected = added.vectors(column)
    _, vectors = added.vectors(report.column)
    np.testing.assert_array_equal(vectors, expected)


def test_a_device_that_is_full_gets_smaller_batches_and_all_get_vectors(added):
    card = OnCard(fingerprint="8" * 32, room=3)
    report = embed(added, card, batch_size=8, threads=2)
    assert report.embedded == 10
    assert report.batch_size == 2


@dataclass(frozen=True)
class CrashingDecoder(adding.Examine):
    """A decoder that one picture kills, and its process with it."""

    @contextmanager
    def open(self):
        with super().open() as examine:
            yield lambda item: _crash_or(examine, item)


@dataclass(frozen=True)
class CrashingPreparation(on_device.DecodePicture):
    @contextmanager
    def open(self):
        with super().open() as decode:
            yield lambda item: _crash_or(decode, item)


def _crash_or(function, item):
    uri = item[0].uri if isinstance(item, list) else getattr(item, "uri", "")
    if uri.endswith("07.png"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return function(item)


def test_a_picture_that_crashes_a_decoder_costs_itself_when_added(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(adding, "Examine", CrashingDecoder)
    store = Store.create(tmp_path / "d.tamis")
    report = ingest(store, [str(photos)], threads=1, processes=True)
    assert report.added == 10
    crashed, bad = sorted(report.failed, key=lambda failure: failure.path, reverse=True)
    assert crashed.path.endswith("07.png")
    assert crashed.reason == "was ended by SIGSEGV"
    assert bad.path.endswith("04-bad.png")
    assert len(store.failures()) == 2


def test_so_it_does_when_decoded_for_a_device(added, monkeypatch):
    monkeypatch.setattr(on_device, "DecodePicture", CrashingPreparation)
    card = OnCard(fingerprint="7" * 32)
    report = embed(added, card, batch_size=4, threads=1, processes=True)
    assert report.embedded == 9
    assert {failure.path[-6:]: failure.reason for failure in report.failed}["07.png"] == (
        "was ended by SIGSEGV"
    )


def test_few_pictures_or_few_processors_start_no_processes(tmp_path, photos, monkeypatch):
    for workers, items, expected in [
        (4, 1000, True),
        (16, 8400, True),
        (3, 8400, False),
        (4, 900, False),
        (16, 500, True),
        (16, 400, False),
        (1, 10**9, False),
        (16, None, False),
    ]:
        assert in_processes(None, workers=workers, items=items) is expected
        assert in_processes(True, workers=workers, items=items)
        assert not in_processes(False, workers=workers, items=items)
    asked = []
    real = worker_choice.in_processes
    monkeypatch.setattr(adding, "in_processes", lambda *a, **k: asked.append(k) or real(*a, **k))
    ingest(Store.create(tmp_path / "d.tamis"), [str(photos)], threads=5)
    assert asked == [{"workers": 5, "items": 12}]

"""The stages of long work do the same in threads and in worker processes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from filling import ingest, ingest_new
from mosaic_encoder import Mosaic
from tamis.dataset.samples import Kind, Samples
from tamis.dataset.store import Store
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode
from tamis.runtime.batch_size import BatchSize
from tamis.runtime.ordered_map import ordered_map
from tamis.services.add import news, parts
from tamis.services.add import pictures as adding
from tamis.services.add.contract import AddTiles
from tamis.services.add.known_pictures import KnownPictures
from tamis.services.add.known_samples import KnownSamples
from tamis.services.embed import run as embedding
from tamis.sources.locations import iter_locations


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        pixels = rng.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.fixture
def store(tmp_path, photos):
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(photos / f"{number}.png") for number in (0, 1)])
    return store


def everything(store):
    return Samples(store).of(kind=Kind.ALL)


def stages(store, photos):
    known = KnownPictures(store)
    locations = list(iter_locations([str(photos)]))
    rows = store.read([*parts.COLUMNS_OF_PICTURES]).to_pylist()
    plan = parts._Plan("tile", [parts._Job(row, tiles=2) for row in rows], AddTiles(2))
    batches = list(embedding._pending(everything(store), 1))
    return {
        "examine": (adding.Examine(known), locations),
        "read": (news.ReadPicture(known, 8), locations),
        "cut": (
            parts.CutParts(plan, KnownSamples([[row["sample_id"] for row in rows]])),
            plan.jobs,
        ),
        "embed": (embedding.EmbedBatch(Mosaic(), BatchSize(4)), batches),
    }


def without_times(outcome):
    """What can be compared of an outcome."""
    if isinstance(outcome, news._Picture):
        return (outcome.sample_id, outcome.content, outcome.is_known, outcome.location)
    if isinstance(outcome, embedding.EmbeddedBatch):
        return (outcome.ids, outcome.vectors.tolist(), outcome.failed)
    if isinstance(outcome, parts._Outcome):
        for row in outcome.rows:
            row.pop("added_at")
    return outcome


@pytest.mark.parametrize("name", ["examine", "read", "cut", "embed"])
def test_outcomes_are_the_same_in_processes(store, photos, name):
    stage, items = stages(store, photos)[name]
    found = [
        [without_times(out) for out in ordered_map(stage, items, workers=1, processes=kind)]
        for kind in (False, True)
    ]
    assert len(found[0]) == len(items)
    assert found[0] == found[1]


def test_a_picture_that_was_moved_is_known_in_another_process_too(store, photos, tmp_path):
    """Of a picture whose place was edited the id alone does not tell."""
    [row] = store.read(["sample_id", "uri"], where="path LIKE '%0.png'").to_pylist()
    moved = tmp_path / "elsewhere.png"
    (photos / "0.png").rename(moved)
    with store.operation("relink") as operation:
        operation.relocate([row["sample_id"]], {"uri": [str(moved)], "path": [str(moved)]})
    known = pickle.loads(pickle.dumps(KnownPictures(store)))
    [item] = iter_locations([str(moved)])
    [found] = ordered_map(adding.Examine(known), [item], workers=1)
    assert found.sample_id == row["sample_id"]


def test_an_encoder_is_loaded_by_its_name_in_another_process():
    encoder = load_encoder("default", threads=1)
    message = pickle.dumps(embedding.EmbedBatch(encoder, BatchSize(4)))
    assert len(message) < 1000
    assert pickle.loads(message).encoder.fingerprint == encoder.fingerprint


def test_a_batch_that_ended_its_process_is_embedded_picture_by_picture(store):
    stage = embedding.EmbedBatch(Mosaic(), BatchSize(4))
    [batch] = embedding._pending(everything(store), 8)
    with stage.open() as function:
        whole = function(batch)
        outcomes = [function(part) for part in stage.parts(batch)]
    joined = stage.joined([outcomes[0], stage.failed(stage.parts(batch)[1], "was ended")])
    assert [row.path for row, _ in joined.failed] == [batch[1].path]
    np.testing.assert_array_equal(stage.joined(outcomes).vectors, whole.vectors)
    assert joined.ids == whole.ids[:1]


def test_pictures_are_decoded_in_the_threads_that_are_given(store, photos, monkeypatch):
    """`--new-only` leaves to its own thread only what no other could do."""
    import threading

    from tamis.sources.video import folder

    used = set()

    def note(*args, **options):
        used.add(threading.current_thread().name.rpartition("_")[0])
        return decode(*args, **options)

    monkeypatch.setattr(folder, "decode", note)
    report = ingest_new(store, [str(photos)], Mosaic(), threads=3)
    assert report.added == 4
    assert [failure.path for failure in report.failed] == [str(photos / "bad.png")]
    assert "tamis-work" in used

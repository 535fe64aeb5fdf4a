"""Only what is new becomes a sample, together with its vector."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from filling import add_crops, embed, ingest, ingest_new
from made_videos import SIZE, noisy, scene, scenes, write_video
from mosaic_encoder import Mosaic
from tamis.algo.sieve import Sieve
from tamis.dataset.schema import vector_field
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.sources.video.frame_reader import close_videos
from tamis.sources.video.sampling import Sampling

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("av")


COLUMN = str(vector_field(Mosaic().spec, Mosaic().fingerprint, Mosaic().dim, "float32").name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "line3.tamis")


@pytest.fixture(autouse=True)
def no_video_left_open():
    yield
    close_videos()


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A video of five shots of 12 frames, of which the fourth is like the first."""
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "day.mp4", scenes([1, 2, 3, 1, 4], 12))
    return tmp_path / "day.mp4"


def kept(store: Store) -> list[int]:
    return store.read(["frame"]).column("frame").to_pylist()


def test_one_frame_of_every_scene_is_added_with_its_vector(store, day):
    encoder = Mosaic()
    report = ingest_new(store, ["day.mp4"], encoder)
    assert kept(store) == [0, 12, 24, 48]
    assert (report.added, report.covered, report.known, report.failed) == (4, 56, 0, [])
    assert (report.frames, report.unseen) == (4, 0)
    ids, vectors = store.vectors(COLUMN)
    assert len(ids) == 4
    between = vectors @ vectors.T - np.eye(4)
    assert between.max() < report.threshold
    assert embed(store, encoder).embedded == 0
    assert [entry.verb for entry in store.log()][-1] == "add"
    assert store.log()[-1].counts["covered"] == 56


def test_rows_vectors_and_undo_are_one_operation(store, day):
    before = store.count()
    ingest_new(store, ["day.mp4"], Mosaic(), checkpoint_rows=1)
    assert len([entry for entry in store.log() if entry.verb == "add"]) == 1
    store.undo()
    assert store.count() == before


def test_the_stored_vector_is_the_one_that_embedding_gives(store, day):
    encoder = Mosaic()
    ingest_new(store, ["day.mp4"], encoder)
    ids, vectors = store.vectors(COLUMN)
    fresh = Store.create(day.parent / "other.tamis")
    ingest(fresh, ["day.mp4"], sampling=Sampling())
    embed(fresh, encoder)
    others = dict(zip(*fresh.vectors(COLUMN), strict=True))
    for name, vector in zip(ids, vectors, strict=True):
        assert np.array_equal(vector, others[name])


def test_decisions_are_the_sieves_on_all_frames(store, day):
    encoder = Mosaic()
    fresh = Store.create(day.parent / "all.tamis")
    ingest(fresh, ["day.mp4"], sampling=Sampling())
    embed(fresh, encoder)
    X = fresh.vectors(COLUMN)[1]
    expected = [n for n, verdict in enumerate(Sieve(0.97).offer_many(X)) if verdict]
    ingest_new(store, ["day.mp4"], encoder, threshold=0.97)
    assert kept(store) == expected


def test_adding_again_adds_nothing_whatever_the_sampling(store, day):
    ingest_new(store, ["day.mp4"], Mosaic())
    for sampling in (Sampling(), Sampling(every=0.3), Sampling(key_frames=True)):
        report = ingest_new(store, ["day.mp4"], Mosaic(), sampling=sampling)
        assert report.added == 0
        assert report.known >= 1
    assert kept(store) == [0, 12, 24, 48]


def test_what_the_dataset_holds_counts_as_kept(store, day):
    for number in (2, 4):
        noisy(scene(number), 99).save(day.parent / f"{number}.png")
    encoder = Mosaic()
    ingest(store, ["2.png", "4.png"])
    report = ingest_new(store, ["day.mp4"], encoder)
    assert (report.added, report.unseen) == (4, 2)
    store.undo()
    embed(store, encoder)
    report = ingest_new(store, ["day.mp4"], encoder)
    assert (report.added, report.unseen) == (2, 0)
    assert [n for n in kept(store) if n is not None] == [0, 24]


def test_vectors_in_half_precision_count_and_stay_so(store, day):
    for number in (2, 4):
        noisy(scene(number), 99).save(day.parent / f"{number}.png")
    ingest(store, ["2.png", "4.png"])
    embed(store, Mosaic(), dtype="float16")
    report = ingest_new(store, ["day.mp4"], Mosaic())
    assert (report.added, report.unseen) == (2, 0)
    assert [column.dtype for column in store.vector_columns()] == ["float16"]
    assert store.count(f"{COLUMN} IS NOT NULL") == 4


def test_parts_of_pictures_cover_nothing(store, day):
    """A box that shows what a frame shows is no picture that was taken of it."""
    picture = scene(9, (480, 360))
    picture.paste(scene(2), (0, 0))
    picture.save(day.parent / "a.png")
    boxes = {
        "images": [{"id": 1, "file_name": "a.png", "width": 480, "height": 360}],
        "categories": [{"id": 1, "name": "x"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, *SIZE]}],
    }
    (day.parent / "boxes.json").write_text(json.dumps(boxes))
    encoder = Mosaic()
    ingest(store, ["a.png"])
    assert add_crops(store, "boxes.json").added == 1
    embed(store, encoder)
    report = ingest_new(store, ["day.mp4"], encoder)
    assert (report.added, report.unseen) == (4, 0)


def test_pictures_and_videos_are_sieved_together_in_their_order(store, day):
    folder = day.parent / "mixed"
    folder.mkdir()
    day.rename(folder / "day.mp4")
    scene(3).save(folder / "a.png")
    noisy(scene(3), 5).save(folder / "b.png")
    scene(7).save(folder / "z.png")
    (folder / "bad.png").write_text("no picture")
    report = ingest_new(store, ["mixed"], Mosaic(), labels="folder")
    paths = store.read(["path"]).column("path").to_pylist()
    assert paths == [
        "mixed/a.png",
        "mixed/day.mp4!frame=0",
        "mixed/day.mp4!frame=12",
        "mixed/day.mp4!frame=48",
        "mixed/z.png",
    ]
    assert [failure.path for failure in report.failed] == ["mixed/bad.png"]
    assert report.covered == 1 + 57
    sizes = store.read(["bytes"]).column("bytes").to_pylist()
    assert sizes[0] == (folder / "a.png").stat().st_size
    assert sizes[1] is None


def test_the_same_source_twice_in_one_run_adds_nothing_twice(store, day):
    scene(7).save(day.parent / "z.png")
    report = ingest_new(store, ["day.mp4", "z.png", "day.mp4", "z.png"], Mosaic())
    assert (report.added, report.known) == (5, 5)
    assert store.count() == 5


def test_a_killed_run_goes_on_and_ends_with_the_same_frames(store, day):
    def killed(done, total):
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_new(store, ["day.mp4"], Mosaic(), progress=killed, checkpoint_rows=2)
    store = Store.open(store.path)
    assert kept(store) == [0, 12]
    assert len(store.vectors(COLUMN)[0]) == 2
    ingest_new(store, ["day.mp4"], Mosaic())
    assert kept(store) == [0, 12, 24, 48]


def test_damage_is_listed_and_costs_nothing_else(store, day):
    write_video(day, scenes([1, 2, 3], 10), options={"movflags": "faststart"}, gop=5)
    day.write_bytes(day.read_bytes()[: day.stat().st_size * 2 // 3])
    report = ingest_new(store, ["day.mp4"], Mosaic())
    assert kept(store) == [0, 10]
    assert len(report.failed) == 1
    assert "ends early" in report.failed[0].reason


def test_a_still_scene_hardly_reaches_the_encoder(store, tmp_path):
    still = [noisy(scene(1, (96, 54)), seed, 0.5) for seed in range(4)] * 100
    write_video(tmp_path / "still.mp4", still)
    encoder = Mosaic()
    report = ingest_new(store, [str(tmp_path / "still.mp4")], encoder)
    assert (report.added, report.covered) == (1, 399)
    assert report.skipped == 400 - sum(encoder.calls) > 200


def test_a_threshold_out_of_range_is_refused_before_anything_is_read(store, day):
    with pytest.raises(UsageError, match=r"threshold is 1\.5"):
        ingest_new(store, ["day.mp4"], Mosaic(), threshold=1.5)
    assert len(store.log()) == 1

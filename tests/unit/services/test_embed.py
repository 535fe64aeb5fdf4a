"""Embedding: every picture once, bad ones named, runs that were cut short go on."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from filling import embed, ingest
from tamis.dataset.operation import Operation
from tamis.dataset.store import Store
from tamis.errors import InputError, StorageError, UsageError
from tamis.types import Preprocessing


@dataclass
class MeanColour:
    """An encoder whose vector tells the mean colour of its picture."""

    spec: str = "test:mean-colour"
    fingerprint: str = "0123456789abcdef" * 2
    dim: int = 4
    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(8, 8))
    seen: list[int] = field(default_factory=list)
    fail_at: int | None = None
    poison: bool = False

    def embed(self, pixels):
        self.seen.append(len(pixels))
        if self.fail_at is not None and len(self.seen) > self.fail_at:
            raise KeyboardInterrupt
        mean = pixels.mean(axis=(1, 2), dtype=np.float64)
        vectors = np.concatenate([mean, np.full((len(mean), 1), 40.0)], axis=1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if self.poison:
            vectors[mean[:, 0] > 200] = np.nan
        return vectors.astype(np.float32)


def colour(number):
    return (number * 37 % 256, number * 91 % 256, number * 53 % 256)


def expected(number):
    vector = np.array([*colour(number), 40.0])
    return vector / np.linalg.norm(vector)


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(21):
        Image.new("RGB", (16, 12), colour(number)).save(folder / f"{number:02}.png")
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(folder)])
    return store


def vectors_by_number(store):
    [column] = store.vector_columns()
    ids, vectors = store.vectors(column.name)
    paths = store.read(["path"], ids=ids)["path"].to_pylist()
    return {int(path[-6:-4]): vector for path, vector in zip(paths, vectors, strict=True)}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_each_picture_gets_its_own_vector(store, threads, batch_size):
    report = embed(store, MeanColour(), threads=threads, batch_size=batch_size, checkpoint_rows=6)
    assert (report.embedded, report.skipped, report.failed) == (21, 0, [])
    found = vectors_by_number(store)
    assert sorted(found) == list(range(21))
    for number, vector in found.items():
        np.testing.assert_allclose(vector, expected(number), atol=1e-6)


def test_again_embeds_only_what_is_new(store, tmp_path):
    embed(store, MeanColour())
    Image.new("RGB", (16, 12), colour(30)).save(tmp_path / "photos" / "30.png")
    ingest(store, [str(tmp_path / "photos")])
    encoder = MeanColour()
    report = embed(store, encoder)
    assert (report.embedded, report.skipped) == (1, 21)
    assert sum(encoder.seen) == 1
    before = store.snapshot
    assert embed(store, encoder).embedded == 0
    assert store.snapshot == before


def test_one_bad_picture_costs_one_picture(store, tmp_path):
    (tmp_path / "photos" / "03.png").unlink()
    changed = tmp_path / "photos" / "04.png"
    Image.new("RGB", (16, 12), (1, 2, 3)).save(changed)
    report = embed(store, MeanColour(), batch_size=8)
    assert report.embedded == 19
    reasons = {failure.path[-6:]: failure.reason for failure in report.failed}
    assert set(reasons) == {"03.png", "04.png"}
    assert "changed" in reasons["04.png"]
    assert set(vectors_by_number(store)) == set(range(21)) - {3, 4}

    assert embed(store, MeanColour()).failed == []
    Image.new("RGB", (16, 12), colour(3)).save(tmp_path / "photos" / "03.png")
    again = embed(store, MeanColour(), retry=True)
    assert again.embedded == 1
    assert [failure.path[-6:] for failure in again.failed] == ["04.png"]
    [column] = store.vector_columns()
    assert store.count(f"{column.error_column} IS NOT NULL") == 1


def test_a_source_that_vanished_stops_the_run_and_blames_no_picture(store, tmp_path):
    (tmp_path / "photos").rename(tmp_path / "unplugged")
    with pytest.raises(InputError, match="disappeared"):
        embed(store, MeanColour())
    (tmp_path / "unplugged").rename(tmp_path / "photos")
    assert embed(store, MeanColour()).embedded == 21


def test_vectors_that_are_not_finite_are_failures(store):
    report = embed(store, MeanColour(poison=True))
    bright = [number for number in range(21) if colour(number)[0] > 200]
    assert bright
    assert len(report.failed) == len(bright)
    assert all("no finite" in failure.reason for failure in report.failed)
    assert report.embedded == 21 - len(bright)


def test_a_run_that_is_cut_short_keeps_its_checkpoints_and_goes_on(store):
    with pytest.raises(KeyboardInterrupt):
        embed(store, MeanColour(fail_at=3), batch_size=4, threads=1, checkpoint_rows=4)
    store.refresh()
    [column] = store.vector_columns()
    done = store.count(f"{column.name} IS NOT NULL")
    assert 0 < done < 21
    assert store.log()[-1].state == "interrupted"
    encoder = MeanColour()
    report = embed(store, encoder, batch_size=4)
    assert (report.embedded, report.skipped) == (21 - done, done)
    for number, vector in vectors_by_number(store).items():
        np.testing.assert_allclose(vector, expected(number), atol=1e-6)


def test_encoders_of_two_fingerprints_fill_two_columns(store):
    embed(store, MeanColour())
    embed(store, MeanColour(fingerprint="fedcba9876543210" * 2))
    assert len(store.vector_columns()) == 2


def test_half_precision_is_stored_and_read_as_float32(store):
    embed(store, MeanColour(), dtype="float16")
    [column] = store.vector_columns()
    assert column.dtype == "float16"
    for number, vector in vectors_by_number(store).items():
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, expected(number), atol=1e-3)


def test_progress_is_told_in_order_and_ends_at_the_total(store):
    told = []
    embed(
        store, MeanColour(), batch_size=4, progress=lambda done, total: told.append((done, total))
    )
    assert told[0] == (0, 21)
    assert told[-1] == (21, 21)
    assert told == sorted(told)


def test_a_disk_that_refuses_stops_the_run(store, monkeypatch):
    def refuse(_operation):
        raise StorageError("the disk is full")

    monkeypatch.setattr(Operation, "checkpoint", refuse)
    with pytest.raises(StorageError, match="full"):
        embed(store, MeanColour(), batch_size=4, checkpoint_rows=4)
    assert store.vector_columns() == []


def test_few_pictures_are_in_flight_however_many_there_are(store):
    class Counting(MeanColour):
        def __init__(self):
            super().__init__()
            self.release = threading.Event()

        def embed(self, pixels):
            # more would be under way by now, if nothing bounded them
            self.release.wait(0.02)
            return super().embed(pixels)

    encoder = Counting()
    done = []
    embed(
        store,
        encoder,
        threads=2,
        batch_size=1,
        progress=lambda n, _: done.append(len(encoder.seen) - n),
    )
    assert max(done) <= 2 * 2 + 1


@pytest.mark.parametrize("option", ["batch_size", "threads"])
def test_options_below_one_are_refused(store, option):
    with pytest.raises(UsageError, match=option):
        embed(store, MeanColour(), **{option: 0})


def test_another_dtype_for_the_same_encoder_is_refused(store, tmp_path):
    embed(store, MeanColour())
    Image.new("RGB", (16, 12), colour(30)).save(tmp_path / "photos" / "30.png")
    ingest(store, [str(tmp_path / "photos")])
    with pytest.raises(UsageError, match="float"):
        embed(store, MeanColour(), dtype="float16")

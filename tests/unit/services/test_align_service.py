"""Learning a map in a dataset: its column, its figures, what is held out, what is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.dataset.vector_search import nearest
from tamis.encoders import registry
from tamis.encoders.aligned import read_map
from tamis.errors import EncoderError, UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.workspace import Workspace
from tamis.services.align.contract import Align
from tamis.services.align.run import align
from tamis.services.text_filter.contract import Filter
from tamis.services.text_filter.run import text_filter
from tamis.types import Preprocessing
from tamis.verbs.feedback import SILENT, Feedback

KINDS = ["cat", "dog", "car"]


class Pictures:
    """Sees no texts: 12 dimensions."""

    spec, fingerprint, dim = "test:pictures", "a" * 32, 12
    preprocessing = Preprocessing(4, 4, mean=(0.1, 0.2, 0.3))

    def embed(self, pixels):
        return unit(pixels.reshape(len(pixels), -1)[:, :12].astype(np.float32))


class Texts:
    """Reads three words: 8 dimensions, an axis a word."""

    spec, fingerprint, dim = "test:texts", "b" * 32, 8
    preprocessing = Preprocessing(4, 4)
    logit_scale = 30.0

    def embed(self, pixels):
        raise AssertionError("pictures go through the other encoder")

    def embed_text(self, texts):
        return np.eye(8, dtype=np.float32)[[place_of(text) for text in texts]]


def place_of(text):
    return next(place for place, kind in enumerate(KINDS) if kind in text)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def encoders(monkeypatch):
    real = registry.load_encoder
    made = {"test:pictures": Pictures(), "test:texts": Texts()}

    def load(spec="default", **options):
        return made[spec] if spec in made else real(spec, **options)

    monkeypatch.setattr("tamis.encoders.registry.load_encoder", load)
    return made


def scene(rows, seed=0, noise=0.02):
    """Vectors of both encoders of the same pictures: one is a linear map of the other."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(rows) % 3
    meaning = np.eye(8)[kinds] + 0.3 * rng.standard_normal((rows, 8))
    seen = meaning @ np.random.default_rng(9).standard_normal((8, 12))
    return unit(seen + noise * rng.standard_normal(seen.shape)), unit(meaning), kinds


def fill(path, rows=300, *, both=None, order=None, labels=True, noise=0.02):
    both = rows if both is None else both
    A, B, kinds = scene(rows, noise=noise)
    order = np.arange(rows) if order is None else order
    store = Store.create(path)
    with store.operation("add") as op:
        op.insert(
            pa.table(
                {
                    "sample_id": [f"s{row:04}" for row in order],
                    "path": [f"{row}.jpg" for row in order],
                    "label": [KINDS[kinds[row]] if labels else None for row in order],
                }
            ).cast(pa.schema([(n, pa.string()) for n in ("sample_id", "path", "label")]))
        )
    with store.operation("embed") as op:
        for encoder, vectors, number in ((Pictures, A, rows), (Texts, B, both)):
            column = op.add_vector_column(encoder.spec, encoder.fingerprint, encoder.dim)
            ids = [f"s{row:04}" for row in order if row < number]
            op.set_vectors(column, ids, vectors[[row for row in order if row < number]])
    return store


SOURCE, TARGET = "vector_test_pictures_aaaaaaaa", "vector_test_texts_bbbbbbbb"


def learn(store, feedback=SILENT, **options):
    request = Align(**{"from_": SOURCE, "to": TARGET, **options})
    return align(Workspace(store), request, feedback)


@pytest.fixture
def store(tmp_path):
    return fill(tmp_path / "a.tamis")


def test_the_map_is_an_encoder_with_a_column_of_its_own(store):
    told = []
    report = learn(store, Feedback.to(lambda *at: told.append(at)))
    assert report.encoder.startswith("aligned:maps/pictures-to-texts-")
    assert (report.pictures, report.fitted, report.held_out) == (300, 240, 60)
    assert report.recall > 0.9
    assert report.mean_cosine > 0.99
    assert report.text_precision == report.text_precision_native > 0.9
    assert (report.vectors, told[-1]) == (300, (300, 300))
    column = next(c for c in store.vector_columns() if c.spec == report.encoder)
    assert (column.name, column.dim) == (report.column, 8)
    encoder = EncoderPool(store).for_column(column)
    assert encoder.fingerprint == column.fingerprint
    assert (encoder.preprocessing, encoder.logit_scale) == (Pictures.preprocessing, 30.0)
    _, vectors = store.vectors(report.column)
    linear = read_map(store.path / report.encoder.removeprefix("aligned:")).linear
    np.testing.assert_allclose(vectors, linear.apply(scene(300)[0]), atol=1e-6)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    mapped = encoder.embed(pixels)
    np.testing.assert_allclose(mapped, linear.apply(Pictures().embed(pixels)), atol=1e-6)
    assert encoder.embed_text(["a dog"]).tolist() == np.eye(8)[[1]].tolist()


def test_pictures_that_only_the_first_has_embedded_get_vectors_too(tmp_path):
    report = learn(fill(tmp_path / "b.tamis", rows=400, both=250))
    assert (report.pictures, report.vectors) == (250, 400)


def test_texts_find_pictures_also_after_the_dataset_was_moved(store, tmp_path, monkeypatch):
    report = learn(store)
    shutil.move(store.path, tmp_path / "moved.tamis")
    monkeypatch.chdir(tmp_path)
    moved = Store.open(tmp_path / "moved.tamis")
    column = next(c for c in moved.vector_columns() if c.spec == report.encoder)
    query = EncoderPool(moved).for_text(column).embed_text(["a car"])[0]
    found = nearest(Samples(moved).of(), column.name, query, 20)
    assert {int(name[1:]) % 3 for name in found.ids} == {2}
    filtered = text_filter(Workspace(moved), Filter("car", encoder=column.name))
    assert filtered.matched == pytest.approx(100, abs=20)
    assert "through a map from test:pictures to test:texts" in filtered.notes[0]


def test_undo_removes_the_column_and_another_map_leaves_the_first(store):
    first = learn(store)
    file = store.path / first.encoder.removeprefix("aligned:")
    before = file.read_bytes()
    second = learn(store, seed=1)
    assert second.encoder != first.encoder
    assert file.read_bytes() == before
    assert store.undo().verb == "align"
    assert second.column not in store.columns()
    assert first.column in store.columns()
    entry = next(entry for entry in store.log() if entry.verb == "align")
    assert entry.asked == ("align", {"from_": SOURCE, "to": TARGET})
    assert entry.counts["recall"] == first.recall


def test_a_seed_repeats_and_the_order_of_pictures_does_not_matter(store, tmp_path):
    other = fill(tmp_path / "c.tamis", order=np.random.default_rng(4).permutation(300))
    first, second = learn(store, seed=5), learn(other, seed=5)
    assert first.encoder == second.encoder
    assert (first.recall, first.penalty) == (second.recall, second.penalty)


def test_duplicates_stay_on_one_side(store, monkeypatch):
    assert "not marked" in learn(store).notes[0]
    with store.operation("duplicates") as op:
        groups = [f"s{row // 30:04}" for row in range(300)]
        op.set_marks([f"s{row:04}" for row in range(300)], {"duplicate_group": groups})
    seen = {}

    def spy(groups, share, rng):
        from tamis.algo.alignment import hold_out

        seen["split"] = hold_out(groups, share, rng)
        return seen["split"]

    monkeypatch.setattr("tamis.services.align.run.hold_out", spy)
    report = learn(store)
    fitted, held = seen["split"]
    assert not set(fitted // 30) & set(held // 30)
    assert all("not marked" not in note for note in report.notes)
    assert "the recall grows with them" in report.notes[0]


def test_one_group_of_duplicates_is_refused(store):
    with store.operation("duplicates") as op:
        op.set_marks([f"s{row:04}" for row in range(300)], {"duplicate_group": ["x"] * 300})
    with pytest.raises(UsageError, match="none can be held out"):
        learn(store)


def test_without_labels_texts_are_not_measured(tmp_path):
    report = learn(fill(tmp_path / "d.tamis", labels=False))
    assert report.text_precision is None
    assert report.text_precision_native is None


def test_the_file_lies_where_it_is_asked_for(store, tmp_path):
    outside = learn(store, out=tmp_path / "mine")
    assert outside.encoder == f"aligned:{tmp_path}/mine.npz"
    assert EncoderPool().load(outside.encoder).dim == 8
    inside = learn(store, out=store.path / "m.npz", seed=2)
    assert inside.encoder == "aligned:m.npz"
    assert EncoderPool(store).load(inside.encoder).dim == 8


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"from_": SOURCE, "to": SOURCE}, "both ends of the map"),
        ({"from_": TARGET, "to": SOURCE}, "reads no texts"),
        ({"from_": "path", "to": TARGET}, "no vectors of 'path'"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(store, options, sentence):
    before = store.snapshot
    with pytest.raises(UsageError, match=sentence):
        learn(store, **options)
    assert store.snapshot == before
    assert not (store.path / "maps").exists()


def test_too_few_pictures_and_maps_of_maps_are_refused(store, tmp_path):
    few = fill(tmp_path / "few.tamis", rows=400, both=199)
    with pytest.raises(UsageError, match=r"^199 pictures have vectors of both .* at least 200"):
        learn(few)
    report = learn(store)
    with pytest.raises(UsageError, match="is a map already"):
        learn(store, from_=report.column)


def test_an_encoder_that_changed_is_refused(store, encoders, monkeypatch):
    report = learn(store)
    monkeypatch.setattr(encoders["test:texts"], "fingerprint", "c" * 32, raising=False)
    with pytest.raises(EncoderError, match="was learned with"):
        EncoderPool(store).load(report.encoder).embed_text(["cat"])
    with pytest.raises(EncoderError, match="not the encoder any more"):
        learn(store)

"""A lower precision is taken where it keeps the vectors of the user's pictures, and said to be."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from filling import embed, ingest
from mosaic_encoder import Mosaic
from tamis.dataset.store import Store
from tamis.encoders.registry import full_spec
from tamis.errors import UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.embed import run as embedding
from tamis.services.embed.contract import Embed
from tamis.services.embed.precision import FEWEST_PICTURES, sample_of, with_precision


@dataclass
class Rounded(Mosaic):
    """On a device; its vectors are off by some noise."""

    device: str = "cuda"
    noise: float = 0.0

    def embed(self, pixels):
        vectors = super().embed(pixels)
        # of each picture, since how large batches are is found by a clock
        seeds = pixels.reshape(len(pixels), -1).sum(axis=1, dtype=np.int64)
        rows = [np.random.default_rng(seed).standard_normal(self.dim, np.float32) for seed in seeds]
        vectors = vectors + self.noise * np.stack(rows)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(FEWEST_PICTURES + 5):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def ingested(pictures, tmp_path_factory):
    made = Store.create(tmp_path_factory.mktemp("ingested") / "d.tamis")
    ingest(made, [str(pictures)])
    return made.path


@pytest.fixture
def store(ingested, tmp_path):
    return Store.open(shutil.copytree(ingested, tmp_path / "d.tamis"))


@pytest.fixture
def device(monkeypatch):
    """Makes encoders of a spec load as ones that lose as much as is said of their precision."""

    def install(loaded=None, **noise):
        def load(_pool, spec, **options):
            precision = full_spec(spec).options.get("precision", "float32")
            if precision not in {"float32", *noise}:
                raise UsageError(f"no {precision} here")
            if loaded is not None:
                loaded.append((spec, options.get("device")))
            return Rounded(
                spec=spec,
                fingerprint=f"{len(precision) + ord(precision[0]):032x}",
                device=options.get("device", "cuda"),
                noise=noise.get(precision, 0.0),
            )

        monkeypatch.setattr("tamis.runtime.encoder_pool.EncoderPool.load", load)

    return install


def _embed(store, **options):
    return embedding.embed(Workspace(store), Embed("test:net", **options))


@pytest.mark.parametrize(
    ("noise", "taken"),
    [
        ({"bfloat16": 1e-4, "float16": 1e-5}, "bfloat16"),
        ({"bfloat16": 0.1, "float16": 1e-4}, "float16"),
        ({"float16": 1e-4}, "float16"),
        ({"bfloat16": 0.1, "float16": np.nan}, "float32"),
        ({}, "float32"),
    ],
)
def test_the_first_precision_that_keeps_cosines_and_neighbors_is_taken(store, device, noise, taken):
    device(**noise)
    report = _embed(store, precision="auto")
    assert full_spec(report.encoder).options.get("precision", "float32") == taken
    assert report.notes[0].startswith(taken)
    assert report.embedded == FEWEST_PICTURES + 5
    [column] = store.vector_columns()
    assert column.spec == report.encoder


def test_neighbors_count_where_cosines_would_pass(store, device, tmp_path):
    """Pictures that are nearly alike keep their cosines and lose their neighbors."""
    crowd = tmp_path / "crowd"
    crowd.mkdir()
    rng = np.random.default_rng(1)
    one = rng.integers(60, 190, (8, 8, 3))
    for number in range(FEWEST_PICTURES):
        pixels = one + rng.integers(-1, 2, one.shape)
        Image.fromarray(pixels.astype(np.uint8)).save(crowd / f"{number}.png")
    alike = Store.create(tmp_path / "alike.tamis")
    ingest(alike, [str(crowd)])
    device(bfloat16=2e-3)
    report = _embed(alike, precision="auto")
    assert "precision" not in report.encoder
    assert "mean cosine 0.999" in report.notes[0]


def test_what_was_chosen_once_goes_on(store, device, pictures):
    device(bfloat16=1e-4)
    first = _embed(store, precision="auto")
    Image.new("RGB", (8, 8), (9, 99, 199)).save(pictures / "later.png")
    ingest(store, [str(pictures)])
    (pictures / "later.png").unlink()
    device(bfloat16=0.5)  # would not pass any more
    again = _embed(store, precision="auto")
    assert again.column == first.column
    assert "as the vectors that the dataset has" in again.notes[0]


def test_few_pictures_tell_nothing(device, tmp_path, pictures):
    few = Store.create(tmp_path / "few.tamis")
    ingest(few, [str(one) for one in sorted(pictures.iterdir())[: FEWEST_PICTURES - 1]])
    device(bfloat16=0.0)
    report = _embed(few, precision="auto")
    assert "precision" not in report.encoder
    assert "too few" in report.notes[0]


def test_a_processor_stays_at_float32(store, device):
    device(bfloat16=0.0)
    report = _embed(store, precision="auto", device="cpu")
    assert "precision" not in report.encoder
    assert report.notes[0].startswith("float32: a lower precision")


def test_openvino_may_choose_on_a_processor(store, device):
    device(bfloat16=1e-4)
    request = Embed("openvino:net.xml", precision="auto", device="cpu")
    report = embedding.embed(Workspace(store), request)
    assert report.encoder == "openvino:net.xml?precision=bfloat16"


def test_a_named_precision_is_taken_untried(store, device):
    loaded = []
    device(loaded, bfloat16=0.7)
    report = _embed(store, precision="bfloat16")
    assert report.encoder == "test:net?precision=bfloat16"
    assert {spec for spec, _ in loaded} == {report.encoder}


@pytest.mark.parametrize("precision", ["auto", "bfloat16"])
def test_a_precision_is_said_once(store, device, precision):
    device(bfloat16=0.0, float16=0.0)
    with pytest.raises(UsageError, match="leave out one"):
        embedding.embed(Workspace(store), Embed("test:net?precision=float16", precision=precision))
    assert with_precision("test:net?precision=float16", "float16").count("precision") == 1


def test_the_sample_does_not_depend_on_the_order_of_rows():
    from tamis.services.embed.embedded_batch import EmbedRow

    rows = [EmbedRow(f"{n * 7919 % 1000:04}", "p", "u", "s", "c") for n in range(1000)]
    part = EmbedRow("0000", "p", "u", "s", "c", 0, 0, 5, 5)
    assert sample_of([part, *rows], 9) == sample_of(rows[::-1], 9)
    assert len(sample_of(rows, 9)) == 9


def test_each_of_several_devices_embeds_and_vectors_are_those_of_one(store, device):
    loaded = []
    device(loaded)
    several = _embed(store, device="cuda:0,cuda:1", batch_size=4, threads=2)
    assert {place for _, place in loaded} == {"cuda:0", "cuda:1"}
    _, vectors = store.vectors(several.column)
    column = embed(store, Mosaic(fingerprint="a" * 32), batch_size=4).column
    np.testing.assert_allclose(vectors, store.vectors(column)[1], atol=1e-6)


def test_several_devices_share_the_batches_and_a_busy_one_gets_no_more():
    from tamis.runtime.batch_size import BatchSize
    from tamis.services.embed.on_device import _EmbedPrepared

    devices = [Rounded(device=f"cuda:{number}") for number in range(2)]
    stage = _EmbedPrepared(devices, BatchSize(4))
    taken = [stage._free.get() for _ in range(4)]
    assert stage._free.empty()
    assert [taken.count(one) for one in devices] == [2, 2]


def test_a_processor_is_not_several_devices(store, device):
    device()
    with pytest.raises(UsageError, match="--threads"):
        _embed(store, device="cpu,cpu")


@pytest.mark.parametrize("wrong", [{"precision": "auto"}, {"device": "cuda:0,cuda:1"}])
def test_a_cluster_is_asked_for_neither(wrong):
    with pytest.raises(UsageError, match="cluster"):
        Embed(runner="ray", **wrong)

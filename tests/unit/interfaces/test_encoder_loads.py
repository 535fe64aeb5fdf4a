"""One query loads each encoder once, the next none: a fake counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.encoders import registry
from tamis.types import Preprocessing


class Colour:
    """Its space is colour, for pictures, patches and texts."""

    dim = 3
    preprocessing = Preprocessing(8, 8)
    feature_levels = ("all",)

    def __init__(self, spec):
        self.spec = spec
        self.fingerprint = f"{len(spec):032x}"

    def embed(self, pixels):
        mean = pixels.mean(axis=(1, 2), dtype=np.float64) + 1e-3
        return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)

    def feature_maps(self, pixels, level=None):
        return pixels[:, ::4, ::4].astype(np.float32) + 1.0

    def embed_text(self, texts):
        rows = np.array([[len(text), 1.0, 2.0] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def loads(monkeypatch):
    """How often each encoder was loaded."""
    counts = Counter()
    real = registry.load_encoder

    def load(spec="default", **options):
        counts[spec] += 1
        return Colour(spec) if spec.startswith("test:") else real(spec, **options)

    monkeypatch.setattr(registry, "load_encoder", load)
    return counts


@pytest.fixture
def filled(tmp_path, loads):
    """A dataset of 240 pictures with vectors of two encoders, opened anew."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, pixels in enumerate(rng.integers(0, 256, (240, 12, 16, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(folder)
    ds.embed("test:one")
    ds.embed("test:another")
    loads.clear()
    return tamis.open(tmp_path / "d.tamis")


def test_a_query_loads_its_encoder_once_and_the_next_none(filled, loads, tmp_path):
    elsewhere = tmp_path / "elsewhere.png"
    Image.new("RGB", (16, 12), (200, 10, 10)).save(elsewhere)
    query = {
        "like": elsewhere,
        "not_texts": "grey",
        "unlike": tmp_path / "pictures" / "001.png",
        "region": (0, 0, 8, 8),
        "rerank": 5,
    }
    assert len(filled.search("red", **query, encoder="test:one").hits) == 20
    assert loads == {"test:one": 1}
    filled.search("blue", **query, encoder="test:one")
    filled.filter("red", not_texts="green", threshold=0.0, encoder="test:one")
    filled.embed("test:one")
    assert loads == {"test:one": 1}


def test_a_map_and_its_two_encoders_are_loaded_once_by_all_verbs(filled, loads, tmp_path):
    report = filled.align(from_="test:one", to="test:another")
    Image.new("RGB", (16, 12), (9, 200, 10)).save(tmp_path / "new.png")
    filled.search("red", like=tmp_path / "new.png", encoder=report.encoder)
    filled.add(tmp_path / "new.png")
    assert filled.embed(report.encoder).embedded == 1
    assert loads == {"test:one": 1, "test:another": 1, report.encoder: 1}


def test_curate_finds_a_map_in_the_dataset(filled, tmp_path, monkeypatch):
    report = filled.align(from_="test:one", to="test:another")
    monkeypatch.chdir(tmp_path.parent)
    curated = filled.curate(
        tmp_path / "pictures", keep=5, out=tmp_path / "out", encoder=report.encoder
    )
    assert curated.selected == 5

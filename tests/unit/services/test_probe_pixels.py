"""The probe beside a small network trained on pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from labeled_vectors import EACH, made_dataset, truth
from sample_rows import sample_ids
from tamis.errors import MissingExtraError, UsageError

COLORS = {"cat": (200, 30, 30), "dog": (30, 200, 30), "owl": (30, 30, 200)}


def thumbnail(kind, seed):
    noise = np.random.default_rng(seed).integers(-25, 26, (40, 40, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(np.array(COLORS[kind]) + noise)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def dataset(tmp_path):
    return made_dataset(tmp_path / "d.tamis", truth())


@pytest.fixture
def seen(dataset, monkeypatch):
    """Pictures of one color a class; one has no thumbnail and one a damaged one."""
    pictures = [thumbnail(kind, row) for row, kind in enumerate(truth())]
    pictures[5], pictures[6] = None, b"no picture"
    shown = dict(zip(sample_ids(0, 3 * EACH), pictures, strict=True))
    monkeypatch.setattr(
        "tamis.services.probe.pixels._thumbnails", lambda _workspace, ids: [shown[i] for i in ids]
    )
    return dataset


def test_a_network_on_pixels_is_measured_beside_the_probe(seen, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr("tamis.training.pixel_network._MOST_STEPS", 30)
    found = seen.train_probe(pixels=True).pixels
    assert found.fitted + found.measured == 3 * EACH - 2
    assert found.accuracy > 0.7
    assert found.low <= found.accuracy <= found.high
    assert found.probe_low <= found.probe_accuracy <= found.probe_high
    assert min(found.seconds, found.probe_seconds) >= 0


def test_what_cannot_be_compared_is_told(dataset, monkeypatch):
    assert dataset.train_probe().pixels is None
    with pytest.raises(UsageError, match="leave it out with a layer or a column"):
        dataset.train_probe(pixels=True, column="width")
    monkeypatch.setattr("tamis.services.probe.pixels.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"network on pixels needs .* 'tamis\[ssl\]'"):
        dataset.train_probe(pixels=True)


def test_pictures_without_thumbnails_cannot_be_compared(dataset):
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match="0 of 90 pictures have a thumbnail"):
        dataset.train_probe(pixels=True)

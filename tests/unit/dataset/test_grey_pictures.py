"""Small pictures stay, large ones come back the same after they were forgotten."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from synthetic_pictures import scene
from tamis.dataset import grey_pictures
from tamis.dataset.grey_pictures import GreyPictures
from tamis.dataset.store import Store
from tamis.images.thumbnail import thumbnail


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "grey.tamis")
    jpegs = [thumbnail(Image.fromarray(scene(seed)).convert("RGB")) for seed in range(6)]
    with store.operation("add") as op:
        op.insert(
            pa.table(
                {
                    "sample_id": [str(seed) for seed in range(6)],
                    "thumbnail": pa.array(jpegs, pa.large_binary()),
                }
            )
        )
    return store


def test_sizes_follow_the_asked_order(store):
    pictures = GreyPictures.of_samples(store, ["4", "1", "2"], small=32, large=128)
    large = pictures.large(np.array([2, 0, 2]))
    assert large.shape == (3, 128, 128)
    for picture, seed in zip(large, (2, 4, 2), strict=True):
        assert np.abs(picture.astype(int) - scene(seed)).mean() < 6
    blocks = large[1].reshape(32, 4, 32, 4).mean(axis=(1, 3))
    assert np.abs(pictures.small[0] - blocks).max() <= 0.5


def test_forgotten_pictures_are_decoded_again(store, monkeypatch):
    monkeypatch.setattr(grey_pictures, "_CACHED", 2)
    ids = [str(seed) for seed in range(6)]
    few = GreyPictures.of_samples(store, ids, small=32, large=128)
    rows = np.array([5, 0, 3, 0, 1])
    monkeypatch.setattr(grey_pictures, "_CACHED", 100)
    assert (
        few.large(rows) == GreyPictures.of_samples(store, ids, small=32, large=128).large(rows)
    ).all()


def test_colours_are_the_thumbnails(store):
    pictures = GreyPictures.of_samples(store, [str(seed) for seed in range(6)], small=32, large=128)
    found = pictures.colours(np.array([3, 1, 3]))
    assert sorted(found) == [1, 3]
    assert found[3].shape == (128, 128, 3)
    assert np.abs(found[3].mean(axis=2) - scene(3)).mean() < 6

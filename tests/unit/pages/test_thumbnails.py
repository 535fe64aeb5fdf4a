"""Thumbnails of a page: within the budget, and no picture out of reach."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 30


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    rng = np.random.default_rng(0)
    jpegs = []
    for _ in range(COUNT):
        buffer = io.BytesIO()
        coarse = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((256, 192)).save(buffer, "JPEG", quality=85)
        jpegs.append(buffer.getvalue())
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(
            pa.table(
                {
                    "sample_id": names(),
                    "path": [f"{n}.jpg" for n in range(COUNT)],
                    "thumbnail": [None, *jpegs[1:]],
                }
            )
        )
    return Samples(store)


def names() -> list[str]:
    return [f"{number:032x}" for number in range(COUNT)]


def whole(samples: Samples) -> int:
    shown = samples.rows(["thumbnail"], names()).column("thumbnail").to_pylist()
    return sum(len(one or b"") for one in shown)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.4, 0.9, 2.0])
def test_every_picture_is_reached_within_the_budget(samples: Samples, part: float) -> None:
    budget = int(part * whole(samples))
    tiles = Thumbnails(samples, budget).tiles(names(), names_beyond=True)
    assert [tile.path for tile in tiles] == [f"{n}.jpg" for n in range(COUNT)]
    assert sum(len(tile.thumbnail) for tile in tiles) <= budget
    assert tiles[0].thumbnail == b""


def test_smaller_thumbnails_make_room_before_names_do(samples: Samples) -> None:
    budget = whole(samples) // 2
    thumbnails = Thumbnails(samples, budget)
    sizes = [
        Image.open(io.BytesIO(tile.thumbnail)).width
        for tile in thumbnails.tiles(names(), names_beyond=True)
        if tile.thumbnail
    ]
    assert set(sizes) == {256, 128}
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > COUNT / 2 + 5


def test_without_names_tiles_end_with_the_budget(samples: Samples) -> None:
    thumbnails = Thumbnails(samples, whole(samples) // 2)
    tiles = thumbnails.tiles(names())
    assert 0 < len(tiles) < COUNT - 1
    assert all(tile.thumbnail for tile in tiles)


def test_a_picture_named_twice_has_two_tiles(samples: Samples) -> None:
    ids = [names()[3], names()[2], names()[3]]
    tiles = Thumbnails(samples).tiles(ids, note=lambda row: row["sample_id"])
    assert [tile.note for tile in tiles] == ids

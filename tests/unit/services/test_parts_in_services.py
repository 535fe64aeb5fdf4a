"""Parts of pictures: always in the split of their picture, and counted with no pictures."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from filling import add_crops, add_tiles, ingest
from splitting import check_splits, split
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.services.report.collect import collect

pytestmark = pytest.mark.usefixtures("few_measured", "compared_once")

COUNT = 24
DIM = 16


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(COUNT):
        noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((80, 60), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "pictures" / f"{number:02}.png")
    document = {
        "images": [{"id": n, "file_name": f"{n:02}.png"} for n in range(COUNT)],
        "categories": [{"id": 1, "name": "kind"}],
        "annotations": [
            {"image_id": n, "category_id": 1, "bbox": [x, 5, 30, 30]}
            for n in range(COUNT)
            for x in (5, 40)
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    return tmp_path


@pytest.fixture
def store(place):
    store = Store.create(place / "d.tamis")
    ingest(store, [str(place / "pictures")])
    return store


def embed_all(store):
    """Random vectors, different for each sample, so that nothing but a name joins two."""
    ids = store.read(["sample_id"])["sample_id"].to_pylist()
    vectors = np.array(
        [np.random.default_rng(int(name[:8], 16)).standard_normal(DIM) for name in ids], np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed") as op:
        column = op.add_vector_column("hf:made", "feedc0de99", DIM)
        op.set_vectors(column, ids, vectors)


def torn(store):
    """Parts whose split is not that of their picture."""
    rows = store.read(["sample_id", "parent_id", "split"]).to_pylist()
    of = {row["sample_id"]: row["split"] for row in rows}
    return [row for row in rows if row["parent_id"] and row["split"] != of[row["parent_id"]]]


def crops(store, place):
    return add_crops(store, str(place / "boxes.json"))


@pytest.mark.parametrize("first", ["crops", "split"])
def test_parts_get_the_split_of_their_picture_whenever_they_come(store, place, first):
    if first == "crops":
        crops(store, place)
    embed_all(store)
    report = split(store)
    crops(store, place)
    add_tiles(store, 2)
    assert torn(store) == []
    assert sum(report.counts.values()) == COUNT
    assert not [note for note in report.notes if "no vector" in note]
    assert check_splits(store).leak_count == report.leak_count


def test_splitting_again_takes_parts_along(store, place):
    crops(store, place)
    embed_all(store)
    split(store)
    split(store, seed=5, where="path < 'y'")
    assert torn(store) == []
    split(store, seed=6, where="label IS NULL AND width > 9")
    assert torn(store) == []


def test_pictures_that_lose_their_split_take_it_from_their_parts(store, place):
    crops(store, place)
    embed_all(store)
    split(store)
    some = store.read(["path"], "parent_id IS NULL")["path"].to_pylist()[: COUNT // 2]
    named = ", ".join(f"'{path}'" for path in some)
    split(store, where=f"path IN ({named})")
    assert torn(store) == []
    assert store.count("split IS NOT NULL") == COUNT // 2 * 3


def test_splits_of_a_table_reach_the_parts_that_are_there(store, place):
    crops(store, place)
    rows = [f"pictures/{n:02}.png,{'train' if n % 2 else 'test'}\n" for n in range(COUNT)]
    (place / "splits.csv").write_text("path,split\n" + "".join(rows))
    ingest(store, [str(place / "pictures")], labels=str(place / "splits.csv"))
    assert torn(store) == []
    assert store.count("split = 'train'") == COUNT // 2 * 3


@pytest.mark.parametrize("where", ["kind = 'crop'", "parent_id IS NOT NULL OR width > 1"])
def test_parts_are_never_split_by_themselves(store, place, where):
    crops(store, place)
    embed_all(store)
    with pytest.raises(UsageError, match="take the split of their picture"):
        split(store, where=where)


def test_a_part_that_was_marked_by_hand_is_a_leak(store, place):
    crops(store, place)
    embed_all(store)
    before = split(store).leak_count
    part = store.read(["sample_id", "split", "path"], "kind = 'crop'").to_pylist()[0]
    other = "test" if part["split"] != "test" else "train"
    with store.operation("mark") as op:
        op.set_marks([part["sample_id"]], {"split": pa.array([other])})
    report = check_splits(store)
    assert report.leak_count == before + 1
    assert [leak.left for leak in report.leaks if leak.reason == "part of one picture"] == [
        part["path"]
    ]


def test_a_report_counts_pictures_and_misses_no_vector_of_parts(store, place):
    embed_all(store)
    crops(store, place)
    data = collect(store)
    assert {figure.label: figure.value for figure in data.headline}["Pictures"] == str(COUNT)
    assert data.notes == ()


def test_tiles_of_a_source_are_found_however_it_is_spelt(store, place, monkeypatch):
    monkeypatch.chdir(place)
    (place / "other").mkdir()
    Image.new("RGB", (90, 90), "red").save(place / "other" / "x.png")
    ingest(store, [str(place / "other")])
    assert add_tiles(store, 2, sources=["./other/"]).added == 4
    assert add_tiles(store, 2, sources=["pictures/0[01].png", "other"]).pictures == 3

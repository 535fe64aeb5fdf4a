"""Crops and tiles: samples of their own, linked to their picture, in no verb's way."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from filling import add_crops, add_tiles, embed, ingest
from splitting import split
from tamis.dataset.parts import Box, box_of
from tamis.dataset.store import Store
from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder
from tamis.errors import InputError, UsageError
from tamis.formats.exports import export
from tamis.runtime.workspace import Workspace
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.services.info.contract import Info
from tamis.services.info.run import info
from tamis.services.search.contract import Search
from tamis.services.search.run import search
from tamis.services.select.contract import Select
from tamis.services.select.run import select

pytestmark = pytest.mark.usefixtures("few_measured", "compared_once")

COUNT = 8
BOXES = [(10, 20, 60, 50), (100, 30, 40, 40), (150, 100, 100, 100), (0, 0, 3, 3)]


def picture(number):
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((200, 150), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("default", threads=1)


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(COUNT):
        picture(number).save(folder / f"{number}.png")
    document = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(COUNT)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"image_id": n, "category_id": 1, "bbox": box} for n in range(COUNT) for box in BOXES
        ]
        + [{"image_id": 0, "category_id": 1, "bbox": [500, 500, 9, 9]}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    return tmp_path


@pytest.fixture
def store(place):
    store = Store.create(place / "d.tamis")
    ingest(store, [str(place / "pictures")])
    return store


def crops(store, place, **options):
    return add_crops(store, str(place / "boxes.json"), **options)


def test_boxes_become_samples_linked_to_their_picture(store, place):
    report = crops(store, place)
    assert (report.added, report.known, report.small, report.pictures) == (24, 0, 8, 8)
    [failure] = report.failed
    assert "outside" in failure.reason
    rows = store.read(
        ["sample_id", "parent_id", "label", "path", "uri", "width", "height", "box_x", "thumbnail"],
        "kind = 'crop'",
    ).to_pylist()
    assert {row["label"] for row in rows} == {"thing"}
    assert {(row["width"], row["height"]) for row in rows} == {(60, 50), (40, 40), (50, 50)}
    parents = {row["sample_id"]: row for row in store.read(["sample_id", "uri"]).to_pylist()}
    assert all(parents[row["parent_id"]]["uri"] == row["uri"] for row in rows)
    assert all(row["thumbnail"] for row in rows)
    assert rows[0]["path"].endswith("#xywh=10,20,60,50")


def test_again_adds_nothing_and_an_interrupted_run_goes_on(store, place):
    crops(store, place)
    again = crops(store, place)
    assert (again.added, again.known) == (0, 24)
    assert store.count() == COUNT + 24
    store.undo()
    store.undo()
    assert "kind" not in store.columns() or store.count("kind IS NOT NULL") == 0
    assert crops(store, place).added == 24


def test_a_crops_vector_is_that_of_the_cut_picture(store, place, encoder):
    crops(store, place)
    report = embed(store, encoder, batch_size=5)
    assert (report.embedded, report.failed) == (COUNT + 24, [])
    rows = store.read(["uri", "box_x", "box_y", "box_width", "box_height", report.column])
    for row in rows.filter(rows["box_x"].is_valid()).to_pylist():
        box = Box(*(row[f"box_{name}"] for name in ("x", "y", "width", "height")))
        cut = Image.open(row["uri"]).convert("RGB").crop(box.corners)
        expected = encoder.embed(prepare(cut, encoder.preprocessing)[None])[0]
        assert np.dot(row[report.column], expected) >= 0.9999


def test_a_changed_picture_fails_with_its_crops_and_no_others(store, place, encoder):
    crops(store, place)
    picture(99).save(place / "pictures" / "3.png")
    report = embed(store, encoder)
    assert report.embedded == (COUNT - 1) * 4
    assert {failure.path.partition("#")[0] for failure in report.failed} == {
        str(place / "pictures" / "3.png")
    }


def test_verbs_work_on_whole_pictures_unless_told(store, place, encoder):
    crops(store, place)
    add_tiles(store, 2)
    embed(store, encoder)
    facts = info(Workspace(store), Info())
    assert facts["kinds"] == {"picture": COUNT, "crop": 24, "tile": COUNT * 4}
    assert facts["samples"] == COUNT + 24 + COUNT * 4
    report = duplicates(Workspace(store), Duplicates(apply=True))
    assert report.groups == []
    chosen = select(Workspace(store), Select(5))
    assert chosen.candidates == COUNT
    of_crops = select(Workspace(store), Select(5, where="kind = 'crop'", apply=False))
    assert of_crops.candidates == 24
    table = export(store, "csv", place / "all.csv")
    assert table.exported == COUNT
    assert export(store, "csv", place / "crops.csv", where="kind = 'crop'").exported == 24


def test_a_folder_gets_parts_cut_out(store, place):
    crops(store, place)
    add_tiles(store, 2)
    for where in ("kind = 'crop'", "kind = 'tile'"):
        out = place / where[8:-1]
        report = export(store, "folder", out, where=where, by=("label",), link="symlink")
        rows = parquet.read_table(out / "manifest.parquet").to_pylist()
        assert (len(rows), report.failed) == (report.exported, ())
        for row in rows:
            box = box_of(row)
            with Image.open(row["uri"]) as whole, Image.open(out / row["file"]) as cut:
                assert np.array_equal(cut, whole.convert("RGB").crop(box.corners))
        assert len({row["file"] for row in rows}) == len(rows)


def test_a_part_is_no_hit_of_its_own_and_others_of_its_picture_are(store, place, encoder):
    crops(store, place)
    embed(store, encoder)
    part = store.read(["sample_id", "path", "parent_id"], "kind = 'crop'").to_pylist()[0]
    for like in (part["sample_id"], part["path"]):
        hits = search(Workspace(store), Search(like=like, k=24, where="kind = 'crop'")).hits
        assert len(hits) == 23
        assert part["sample_id"] not in {hit.sample_id for hit in hits}
        assert sum(hit.parent_id == part["parent_id"] for hit in hits) == 2
    whole = search(Workspace(store), Search(like=part["parent_id"], k=24, where="kind = 'crop'"))
    assert part["parent_id"] not in {hit.parent_id for hit in whole.hits}
    # a part that is no sample is a region of the picture
    region = search(Workspace(store), Search(like=f"{place}/pictures/0.png#xywh=5,5,90,90", k=1))
    asked = Search(like=f"{place}/pictures/0.png", region=(5, 5, 90, 90), k=1)
    assert region.hits[0].score == search(Workspace(store), asked).hits[0].score


def test_parts_too_small_to_show_anything_are_not_selected_unless_asked(store, place, encoder):
    crops(store, place)
    embed(store, encoder)
    where = "kind = 'crop'"
    chosen = select(Workspace(store), Select(3, where=where, min_part=45, apply=False))
    assert chosen.candidates == 16
    assert "8 parts have a side under 45 pixels, left out" in chosen.notes[0]
    everything = Select(3, where=where, min_part=0, apply=False)
    assert select(Workspace(store), everything).candidates == 24
    with pytest.raises(UsageError, match=r"no picture to select from.*24 parts have a side under"):
        select(Workspace(store), Select(3, where=where, min_part=500, apply=False))
    assert select(Workspace(store), Select(3, min_part=500, apply=False)).candidates == COUNT


def test_parts_follow_their_picture_into_its_split(store, place, encoder):
    crops(store, place)
    column = embed(store, encoder).column
    split(store, train=0.5, val=0.25, test=0.25, encoder=column)
    rows = store.read(["sample_id", "parent_id", "split"]).to_pylist()
    of = {row["sample_id"]: row["split"] for row in rows}
    assert all(of.values())
    assert all(row["split"] == of[row["parent_id"]] for row in rows if row["parent_id"])


def test_search_among_tiles_names_the_part_that_matched(store, place, encoder):
    add_tiles(store, 2)
    embed(store, encoder)
    corner = picture(4).crop((91, 68, 200, 150))
    corner.save(place / "corner.png")
    like = str(place / "corner.png")
    report = search(Workspace(store), Search(like=like, k=3, tiles=True))
    best = report.hits[0]
    assert best.path.partition("#")[0].endswith("4.png")
    assert best.region is not None
    assert best.region[:2] == (88, 66)
    assert len({hit.parent_id or hit.sample_id for hit in report.hits}) == 3
    whole = search(Workspace(store), Search(like=like, k=3))
    assert all(hit.region is None for hit in whole.hits)
    assert best.score > whole.hits[0].score


def test_tiles_need_to_be_there_to_be_searched(store, encoder):
    embed(store, encoder)
    with pytest.raises(UsageError, match="no tiles"):
        search(Workspace(store), Search(like="x", tiles=True))


def test_annotations_of_other_pictures_are_refused(store, place):
    (place / "other.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "elsewhere.jpg"}],
                "categories": [{"id": 1, "name": "x"}],
                "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}],
            }
        )
    )
    with pytest.raises(InputError, match=r"elsewhere\.jpg"):
        add_crops(store, str(place / "other.json"))
    assert store.count() == COUNT


@pytest.mark.parametrize("count", [0, 1, 17])
def test_a_number_of_tiles_that_makes_no_sense_is_refused(store, count):
    with pytest.raises(UsageError, match=f"count is {count}"):
        add_tiles(store, count)


def test_a_smallest_box_that_makes_no_sense_is_refused(store, place):
    with pytest.raises(UsageError, match="min_box is 0"):
        crops(store, place, min_box=0)


def test_patches_find_what_the_vector_of_the_whole_picture_misses(place, encoder):
    """Two pictures show the same small thing, at other places."""
    folder = place / "scenes"
    folder.mkdir()
    rng = np.random.default_rng(5)
    thing = Image.effect_noise((64, 64), 90).convert("RGB")
    for number in range(12):
        coarse = rng.integers(90, 160, (3, 3, 3), dtype=np.uint8)
        scene = Image.fromarray(coarse).resize((448, 448), Image.Resampling.BICUBIC)
        if number in (3, 7):
            scene.paste(thing, (352, 352) if number == 7 else (64, 128))
        scene.save(folder / f"{number}.png")
    store = Store.create(place / "scenes.tamis")
    ingest(store, [str(folder)])
    embed(store, encoder)
    query = Search(like=str(folder / "3.png"), region=(64, 128, 64, 64), k=12)
    report = search(Workspace(store), replace(query, k=3, rerank=12))
    assert report.hits[0].path.endswith("7.png")
    scores = [hit.local_score for hit in report.hits]
    assert scores == sorted(scores, reverse=True)
    assert -1 <= scores[-1] <= scores[0] <= 1
    plain = {hit.path: hit.score for hit in search(Workspace(store), query).hits}
    assert all(plain[hit.path] == hit.score for hit in report.hits)


def test_a_picture_that_vanished_is_named_and_comes_last(store, place, encoder):
    embed(store, encoder)
    (place / "pictures" / "2.png").unlink()
    like = str(place / "pictures" / "0.png")
    report = search(Workspace(store), Search(like=like, k=COUNT, rerank=COUNT))
    assert report.hits[-1].path.endswith("2.png")
    assert report.hits[-1].local_score is None
    assert any("2.png" in note for note in report.notes)


def test_patches_need_an_example(store, encoder):
    embed(store, encoder)
    with pytest.raises(UsageError, match=r"\(like\)"):
        search(Workspace(store), Search("x", rerank=3))

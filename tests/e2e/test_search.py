"""Search as a user types it."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image

from tiny_models import save_clip


@pytest.fixture(scope="module")
def searched(tmp_path_factory, photos_master, cli_in):
    """The command line beside an embedded dataset, which the tests only read."""
    folder = tmp_path_factory.mktemp("search")
    shutil.copytree(photos_master, folder / "photos")
    command_line = cli_in(folder)
    command_line("add", "photos", "--labels", "folder")
    command_line("embed")
    return command_line


def test_by_a_picture_of_the_dataset(searched):
    hits = searched("search", "--like", "photos/dogs/00.jpg", "-k", "3", "--json").json["hits"]
    assert [hit["path"] for hit in hits[:2]] == ["photos/dogs/copy.jpg", "photos/dogs/small.png"]
    assert set(hits[0]) >= {"path", "score", "sample_id", "label", "region"}
    assert 0.9 < hits[0]["score"] <= 1
    assert hits[0]["score"] >= hits[1]["score"] >= hits[2]["score"]


def test_by_a_file_and_by_a_part_of_it(searched):
    source = Image.open(searched.folder / "photos/cats/03.jpg")
    canvas = Image.new("RGB", (900, 600), "white")
    canvas.paste(source, (100, 200))
    canvas.save(searched.folder / "canvas.png")
    region = f"100,200,{source.width},{source.height}"
    part = searched("search", "--like", "canvas.png", "--region", region, "-k", "1", "--json").json[
        "hits"
    ]
    assert part[0]["path"] == "photos/cats/03.jpg"
    assert part[0]["score"] > 0.98
    whole = searched("search", "--like", "canvas.png", "-k", "30", "--json").json["hits"]
    by_path = {hit["path"]: hit["score"] for hit in whole}
    assert by_path["photos/cats/03.jpg"] < part[0]["score"]


def test_conditions_distinct_and_exact(searched):
    arguments = ("search", "--like", "photos/dogs/00.jpg", "--json")
    cats = searched(*arguments, "--where", "label = 'cats'").json["hits"]
    assert len(cats) == 12
    assert {hit["label"] for hit in cats} == {"cats"}
    distinct = searched(*arguments, "--distinct", "0.9").json["hits"]
    assert {"photos/dogs/copy.jpg", "photos/dogs/small.png"} > {hit["path"] for hit in distinct[:1]}
    assert (
        len({"photos/dogs/copy.jpg", "photos/dogs/small.png"} & {h["path"] for h in distinct}) == 1
    )
    assert searched(*arguments, "--exact").json["hits"] == searched(*arguments).json["hits"]


def test_the_table_says_how_it_was_found(searched):
    run = searched("search", "--like", "photos/dogs/00.jpg", "-k", "2")
    assert "photos/dogs/copy.jpg" in run.out
    assert "2 found by bundled:efficientnet-lite0" in run.err
    assert "exact" in run.err


def test_the_gallery_is_one_file(searched):
    searched("search", "--like", "photos/dogs/00.jpg", "-k", "4", "--gallery", "found.html")
    page = (searched.folder / "found.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64") == 5  # the example too
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_texts_need_vectors_that_know_words(searched):
    run = searched("search", "a red ball", code=2)
    assert "reads no texts" in run.err
    assert "clip (needs tamis[hf])" in run.err


def test_texts_with_a_model_that_knows_words(searched, tmp_path, cli_in):
    folder = save_clip(tmp_path / "clip")
    shutil.copytree(searched.folder / "photos", tmp_path / "photos")
    shutil.copytree(searched.folder / "dataset.tamis", tmp_path / "dataset.tamis")
    searched = cli_in(tmp_path)
    searched("embed", "--encoder", f"hf:{folder}")
    column = searched("info", "--json").json["encoders"][1]["column"]
    hits = searched("search", "cat", "--encoder", column, "-k", "5", "--json").json["hits"]
    assert len(hits) == 5
    assert all(-1 <= hit["score"] <= 1 for hit in hits)
    other = searched(
        "search", "cat", "--not", "a cat", "--encoder", column, "-k", "5", "--json"
    ).json["hits"]
    assert other != hits
    found = searched("search", "cat", "-k", "5", "--json")
    assert found.json["hits"] == hits, "with no encoder named, the one that reads texts is meant"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search"], "nothing to look for"),
        (["search", "--like", "nowhere.jpg"], "nowhere.jpg"),
        (["search", "--like", "photos/dogs/00.jpg", "--region", "1,2,3"], "give 4 values"),
        (["search", "--like", "photos/dogs/00.jpg", "--where", "no_column = 1"], "no_column"),
        (["search", "--like", "photos/truncated.jpg"], "truncated"),
    ],
)
def test_wrong_use_is_one_clear_sentence(searched, arguments, words):
    run = searched(*arguments, code=2)
    assert words in run.err
    assert "Traceback" not in run.err
    assert run.out == ""


def test_a_small_dataset_gets_no_index(searched):
    answer = searched("index", "--json").json
    assert (answer["covered"], answer["total"]) == (0, 27)
    assert answer["notes"] == ["an index needs 256 vectors to learn from; search is exact without"]
    indexes = searched("info", "--index", "--json").json["indexes"]
    assert list(indexes.values()) == [None]


def test_pictures_need_not_be_there_to_be_found(searched, tmp_path, cli_in):
    shutil.copytree(searched.folder / "dataset.tamis", tmp_path / "dataset.tamis")
    hits = cli_in(tmp_path)("search", "--like", "photos/dogs/00.jpg", "-k", "1", "--json").json[
        "hits"
    ]
    assert hits[0]["path"] == "photos/dogs/copy.jpg"

"""Search: by picture, part, text, and by several of them added and subtracted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from filling import embed, ingest
from tamis.dataset.store import Store
from tamis.encoders import registry
from tamis.errors import EncoderError, InputError, PictureError, UsageError
from tamis.runtime.workspace import Workspace
from tamis.services.search.contract import Search
from tamis.services.search.run import search
from tamis.types import Preprocessing

COLOURS = {
    "red": (255, 0, 0),
    "dark red": (200, 10, 5),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
}


class Colour:
    """An encoder whose space is colour; a text is a colour's name."""

    spec = "test:colour"
    fingerprint = "c" * 32
    dim = 3
    preprocessing = Preprocessing(8, 8)
    caveat = "It knows colours only."

    def embed(self, pixels):
        mean = pixels.mean(axis=(1, 2), dtype=np.float64) + 1e-3
        return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)

    def embed_text(self, texts):
        pixels = np.array([COLOURS.get(text, COLOURS["red"]) for text in texts], np.uint8)[
            :, None, None
        ]
        return self.embed(pixels)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 30), colour).save(folder / f"{name}.png")
    half = Image.new("RGB", (40, 30), "blue")
    half.paste((255, 0, 0), (0, 0, 10, 10))
    half.save(folder / "part.png")
    return folder


@pytest.fixture
def store(tmp_path, folder):
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(folder)])
    embed(store, Colour())
    return store


@pytest.fixture
def encoder(monkeypatch):
    encoder = Colour()
    monkeypatch.setattr(registry, "load_encoder", lambda _spec, **_options: encoder)
    return encoder


@pytest.fixture
def no_encoder(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the encoder was loaded though stored vectors were enough")

    monkeypatch.setattr(registry, "load_encoder", refuse)


@pytest.fixture
def reads(monkeypatch):
    """How often each way to read the dataset was used; the counting fake."""
    seen = Counter()

    def counting(name, method):
        def counted(*args, **options):
            seen[name] += 1
            return method(*args, **options)

        return counted

    for name in ("columns", "vector_columns", "count", "read", "batches", "vectors", "nearest"):
        monkeypatch.setattr(Store, name, counting(name, getattr(Store, name)))
    return seen


def found(store, *, k=20, **query):
    report = search(Workspace(store), Search(k=k, **query))
    return [hit.path.rpartition("/")[2].removesuffix(".png") for hit in report.hits], report


def test_a_picture_of_the_dataset_needs_no_model_and_is_not_its_own_answer(
    store, folder, no_encoder
):
    names, report = found(store, like=[str(folder / "red.png")])
    assert names[0] == "dark red"
    assert "red" not in names
    assert len(names) == 6
    assert report.method == "exact"
    scores = [hit.score for hit in report.hits]
    assert scores == sorted(scores, reverse=True)
    by_id = store.read(["sample_id"], f"path = '{folder}/red.png'")["sample_id"][0].as_py()
    assert found(store, like=[by_id])[0] == names


def test_a_file_of_no_dataset_is_embedded(store, tmp_path, encoder):
    Image.new("RGB", (9, 9), (250, 240, 5)).save(tmp_path / "elsewhere.png")
    names, report = found(store, like=[str(tmp_path / "elsewhere.png")], k=1)
    assert names == ["yellow"]
    assert report.hits[0].score == pytest.approx(1, abs=1e-2)


def test_a_region_is_what_is_looked_for(store, folder, encoder):
    whole, _ = found(store, like=[str(folder / "part.png")], k=1)
    assert whole == ["blue"]
    part, report = found(store, like=[str(folder / "part.png")], region=(0, 0, 10, 10), k=1)
    assert part == ["red"]
    assert report.hits[0].score == pytest.approx(1, abs=1e-4)


def test_texts_find_pictures_and_say_what_they_know(store, encoder):
    names, report = found(store, texts=["red"], k=2)
    assert names == ["red", "dark red"]
    assert report.notes == ["It knows colours only."]


def test_examples_are_added_and_subtracted(store, encoder):
    assert found(store, texts=["red", "green"], k=1)[0] == ["yellow"]
    assert found(store, texts=["yellow"], not_texts=["red"], k=1)[0] == ["green"]
    names, report = found(store, texts=["yellow"], not_texts=["red"], k=7)
    # the score is the cosine to the query itself: (1,1,0)/√2 - (1,0,0), made a unit
    query = np.array([0.5**0.5 - 1, 0.5**0.5, 0])
    query /= np.linalg.norm(query)
    by_name = dict(zip(names, (hit.score for hit in report.hits), strict=True))
    assert by_name["green"] == pytest.approx(query[1], abs=1e-3)
    assert by_name["red"] == pytest.approx(query[0], abs=1e-3)


def test_what_cancels_out_is_refused(store, encoder):
    with pytest.raises(UsageError, match="cancels out"):
        found(store, texts=["red"], not_texts=["red"])


def test_a_condition_holds_for_all_hits(store, encoder):
    assert found(store, texts=["red"], where="path LIKE '%blue%'")[0] == ["blue"]
    assert found(store, texts=["red"], where="width > 1000")[0] == []


def test_distinct_leaves_out_what_repeats(store, encoder):
    assert found(store, texts=["red"], distinct=0.99, k=3)[0][:2] == ["red", "yellow"]
    assert found(store, texts=["red"], distinct=1.0, k=2)[0] == ["red", "dark red"]


def test_distinct_looks_further_until_there_are_enough(tmp_path, encoder):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (8, 8), (255, number % 2, 0)).save(folder / f"{number}.png")
    Image.new("RGB", (8, 8), "blue").save(folder / "blue.png")
    store = Store.create(tmp_path / "many.tamis")
    ingest(store, [str(folder)])
    embed(store, Colour())
    names, _ = found(store, texts=["red"], distinct=0.9, k=2)
    assert names[1] == "blue"


def test_the_answer_does_not_depend_on_what_ran_before(store, encoder):
    first = found(store, texts=["yellow"])[1].hits
    found(store, texts=["red"], not_texts=["blue"], distinct=0.5)
    found(store, texts=["green"], where="width = 40")
    assert found(store, texts=["yellow"])[1].hits == first


def test_an_encoder_that_changed_is_refused(store, encoder):
    encoder.fingerprint = "d" * 32
    with pytest.raises(EncoderError, match="not the encoder any more"):
        found(store, texts=["red"])


def test_texts_need_an_encoder_that_reads(store, monkeypatch):
    class Blind:
        spec, fingerprint, dim = Colour.spec, Colour.fingerprint, 3
        preprocessing = Colour.preprocessing
        embed = Colour.embed

    monkeypatch.setattr(registry, "load_encoder", lambda _spec, **_options: Blind())
    with pytest.raises(UsageError, match=r"reads no texts.*clip.*concepts"):
        found(store, texts=["red"])


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        ({}, UsageError, "nothing to look for"),
        ({"not_texts": ["red"]}, UsageError, "nothing to look for"),
        ({"texts": [" "]}, UsageError, "empty"),
        ({"texts": ["red"], "region": (0, 0, 1, 1)}, UsageError, "like"),
        ({"like": ["/nowhere.png"]}, InputError, "nowhere.png"),
        ({"texts": ["red"], "k": 0}, UsageError, "k is 0"),
        ({"texts": ["red"], "distinct": 1.5}, UsageError, r"distinct is 1\.5"),
    ],
)
def test_what_makes_no_sense_is_refused(store, encoder, query, error, message):
    with pytest.raises(error, match=message):
        found(store, **query)


def test_a_region_outside_the_picture_is_refused(store, folder, encoder):
    with pytest.raises(UsageError, match="40 x 30"):
        found(store, like=[str(folder / "red.png")], region=(50, 0, 9, 9))


def test_a_damaged_example_is_named(store, tmp_path, encoder):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(PictureError, match=r"bad\.jpg"):
        found(store, like=[str(tmp_path / "bad.jpg")])


def test_quotes_in_a_name_are_no_sql(store, encoder):
    with pytest.raises(InputError, match="cannot read"):
        found(store, like=["x' OR '1' = '1"])


def test_the_gallery_shows_each_hit_and_escapes_what_it_shows(store, tmp_path, encoder):
    page = tmp_path / "g.html"
    _, report = found(store, texts=["<script>alert(1)</script>"], k=3, gallery=page)
    assert report.gallery == str(page)
    text = page.read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 3
    assert "red.png" in text
    assert text.count("<script>") == 1
    assert "<q>&lt;script&gt;alert(1)&lt;/script&gt;</q>" in text
    assert "It knows colours only." in text


def test_a_query_reads_each_thing_once_and_the_next_one_only_what_is_its_own(
    store, folder, no_encoder, reads
):
    workspace = Workspace(store)
    # what the name means, the example's vector, what the hits are
    a_query = {"read": 3, "nearest": 1}
    search(workspace, Search(k=3, like=[str(folder / "red.png")]))
    assert reads == {"columns": 1, "vector_columns": 1, "count": 1} | a_query
    reads.clear()
    report = search(workspace, Search(k=3, like=[str(folder / "blue.png")]))
    assert report.hits[0].path.endswith("part.png")
    assert reads == a_query
    reads.clear()
    search(workspace, Search(k=3, like=[str(folder / "red.png")], where="width > 30"))
    assert reads == {"count": 1} | a_query


def test_a_query_after_a_change_sees_it(store, folder, no_encoder):
    workspace = Workspace(store)
    asked = Search(k=1, like=[str(folder / "red.png")], where="label = 'mine'")
    assert not search(workspace, asked).hits
    ids = workspace.samples.of("path LIKE '%blue.png'").ids
    with store.operation("label") as operation:
        operation.set_marks(ids, {"label": ["mine"]})
    assert [hit.sample_id for hit in search(workspace, asked).hits] == ids

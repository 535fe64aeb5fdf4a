"""A map as a user types it: DINOv2 learns the texts of CLIP."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.dataset.vector_search import nearest
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.queries import picture_vector
from tiny_models import save_clip, save_dinov2


@pytest.fixture(scope="module")
def embedded(tmp_path_factory, cli_in):
    """210 small pictures, embedded by a DINOv2 and a CLIP of random weights."""
    folder = tmp_path_factory.mktemp("align")
    for number in range(210):
        pattern = np.random.default_rng(number).integers(0, 256, (5, 6, 3), dtype=np.uint8)
        place = folder / "photos" / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pattern).resize((48, 40)).save(place / f"{number:03}.png")
    save_clip(folder / "clip")
    save_dinov2(folder / "dinov2")
    command_line = cli_in(folder)
    command_line("add", "photos", "--labels", "folder")
    command_line("embed", "--encoder", "hf:dinov2")
    command_line("embed", "--encoder", "hf:clip")
    return folder


@pytest.fixture
def aligned(embedded, tmp_path, cli_in):
    shutil.copytree(embedded, tmp_path / "place")
    return cli_in(tmp_path / "place")


def test_align_search_move_and_search_again(aligned, monkeypatch):
    report = aligned("align", "--from", "hf:dinov2", "--to", "hf:clip", "--json").json
    assert (report["pictures"], report["held_out"], report["vectors"]) == (210, 42, 210)
    assert 0 <= report["recall"] <= 1
    assert 0 <= report["text_precision"] <= 1
    spec = report["encoder"]
    assert (aligned.folder / "dataset.tamis" / spec.removeprefix("aligned:")).is_file()
    assert spec in {e["encoder"] for e in aligned("info", "--json").json["encoders"]}
    search = ("search", "a cat", "--encoder", spec, "-k", "5", "--json")
    hits = aligned(*search).json["hits"]
    assert len(hits) == 5
    run = aligned("filter", "cat", "dog", "--classes", "--encoder", spec, "--json")
    assert "through a map from hf:dinov2 to hf:clip" in run.json["notes"][0]

    (aligned.folder / "dataset.tamis").rename(aligned.folder / "moved.tamis")
    assert aligned(*search, "-d", "moved.tamis").json["hits"] == hits
    monkeypatch.chdir(aligned.folder)
    store = Store.open(aligned.folder / "moved.tamis")
    column = next(c for c in store.vector_columns() if c.spec == spec)
    query = EncoderPool(store).for_text(column).embed_text(["a cat"])[0]
    assert nearest(Samples(store).of(), column.name, query, 5).ids == [
        hit["sample_id"] for hit in hits
    ]

    ids = store.read(["sample_id"], "path = 'photos/cat/001.png'")["sample_id"].to_pylist()
    stored = store.read([column.name], ids=ids)[column.name].to_pylist()[0]
    through = picture_vector(EncoderPool(store).for_column(column), "photos/cat/001.png")
    np.testing.assert_allclose(through, stored, atol=1e-4)


def test_new_pictures_are_embedded_by_the_map_and_undo_removes_it(aligned):
    spec = aligned("align", "--from", "hf:dinov2", "--to", "hf:clip", "--json").json["encoder"]
    Image.new("RGB", (50, 50), "teal").save(aligned.folder / "new.png")
    aligned("add", "new.png")
    assert aligned("embed", "--encoder", spec, "--json").json["embedded"] == 1
    aligned("undo")
    aligned("undo")
    aligned("undo")
    specs = {entry["encoder"] for entry in aligned("info", "--json").json["encoders"]}
    assert specs == {"hf:dinov2", "hf:clip"}


def test_the_sentence_the_notes_and_the_refusals(aligned):
    run = aligned("align", "--from", "hf:dinov2", "--to", "hf:clip", "--out", "map.npz")
    assert "of the 10 nearest that hf:clip finds" in run.out
    assert "labels as texts" in run.out
    assert "duplicates are not marked" in run.err
    assert "210 pictures taught the map" in run.err
    assert (aligned.folder / "map.npz").is_file()
    aligned("report")
    page = (aligned.folder / "report.html").read_text("utf-8")
    assert "tamis align --from" in page
    wrong = aligned("align", "--from", "hf:clip", "--to", "hf:dinov2", code=2)
    assert "hf:dinov2 reads no texts" in wrong.err

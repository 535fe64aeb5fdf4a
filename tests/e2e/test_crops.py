"""Boxes of a detection dataset as a user adds them, in every format, interrupted, and real ones."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.dataset.parts import Box
from tamis.encoders.preprocess import prepare
from tamis.services.add import parts

BOXES = [(11, 21, 60, 80), (100, 30, 199, 149), (-5, 100, 40, 160)]
COUNT = 6


@pytest.fixture
def place(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(COUNT):
        noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((200, 150), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "images" / f"{number}.jpg")
    return tmp_path


def coco(place):
    document = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 200, "height": 150} for n in range(COUNT)
        ],
        "categories": [{"id": 5, "name": "cell"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 5, "bbox": [a, b, c - a, d - b]}
            for n in range(COUNT)
            for a, b, c, d in BOXES
        ],
    }
    (place / "coco.json").write_text(json.dumps(document))
    return "coco.json"


def voc(place):
    (place / "voc").mkdir()
    things = "".join(
        f"<object><name>cell</name><bndbox><xmin>{a + 1}</xmin><ymin>{b + 1}</ymin>"
        f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in BOXES
    )
    for number in range(COUNT):
        (place / "voc" / f"{number}.xml").write_text(
            f"<annotation><filename>{number}.jpg</filename>{things}</annotation>"
        )
    return "voc"


def yolo(place):
    (place / "labels").mkdir()
    lines = "".join(
        f"0 {(a + c) / 400:.6f} {(b + d) / 300:.6f} {(c - a) / 200:.6f} {(d - b) / 150:.6f}\n"
        for a, b, c, d in BOXES
    )
    for number in range(COUNT):
        (place / "labels" / f"{number}.txt").write_text(lines)
    (place / "data.yaml").write_text("names:\n  0: cell\n")
    return "data.yaml"


def rows_of(dataset):
    columns = ["sample_id", "label", "box_x", "box_y", "box_width", "box_height", "phash"]
    rows = tamis.open(dataset).table(columns, where="kind = 'crop'").to_pylist()
    return sorted(rows, key=lambda row: row["sample_id"])


def test_every_format_gives_the_same_samples(place, tamis_cli):
    found = []
    for write in (coco, voc, yolo):
        name = f"{write.__name__}.tamis"
        command = ("add", "images", "--crops", write(place), "-d", name, "--json")
        said = tamis_cli(*command).json
        assert (said["added"], said["crops"]["added"], said["crops"]["failed"]) == (COUNT, 18, [])
        again = tamis_cli(*command).json
        assert (again["known"], again["crops"]["added"], again["crops"]["known"]) == (COUNT, 0, 18)
        found.append(rows_of(place / name))
    assert found[0] == found[1] == found[2]
    assert {(row["box_x"], row["box_width"]) for row in found[0]} == {(11, 49), (100, 99), (0, 40)}


def test_an_interrupted_run_goes_on_and_adds_nothing_twice(place, monkeypatch):
    ds = tamis.open(place / "d.tamis")
    ds.add(place / "images")
    monkeypatch.setattr(parts, "_CHECKPOINT_ROWS", 2)

    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ds.add_crops(place / coco(place), progress=stop)
    left = len(rows_of(place / "d.tamis"))
    assert 0 < left < COUNT * 3
    ds = tamis.open(place / "d.tamis")
    report = ds.add_crops(place / "coco.json")
    assert (report.added, report.known) == (COUNT * 3 - left, left)
    assert ds.info()["kinds"] == {"picture": COUNT, "crop": COUNT * 3}


@pytest.mark.parametrize(
    ("pictures", "boxes", "looked_at"),
    [(20, 357, 4), pytest.param(364, 4888, 20, marks=pytest.mark.nightly)],
)
def test_real_boxes_become_samples_whose_vectors_are_those_of_the_cut_pictures(
    shared_data, tmp_path, pictures, boxes, looked_at
):
    source = shared_data / "bccd" / "BCCD"
    if not source.is_dir():
        pytest.skip(f"no pictures with boxes at {source}")
    folder = tmp_path / "BCCD"
    for place in ("JPEGImages", "Annotations"):
        (folder / place).mkdir(parents=True)
        for file in sorted((source / place).iterdir())[:pictures]:
            shutil.copy2(file, folder / place)
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(folder / "JPEGImages")
    report = ds.add_crops(folder / "Annotations", min_box=1)
    assert (report.added, report.failed) == (boxes - report.repeated, [])
    assert report.pictures == pictures
    assert 0 <= report.repeated <= 2  # the same box, listed twice
    assert ds.add_crops(folder / "Annotations", min_box=1).added == 0
    labels = ds.table(["label"], where="kind = 'crop'")["label"].to_pylist()
    assert set(labels) == {"RBC", "WBC", "Platelets"}
    encoder = tamis.encoder("default")
    columns = ["uri", "box_x", "box_y", "box_width", "box_height"]
    rows = ds.table(["sample_id", *columns], where="kind = 'crop'").to_pylist()
    rows = rows[:: len(rows) // looked_at]
    other = tamis.open(tmp_path / "few.tamis")
    named = sorted({row["uri"] for row in rows})
    other.add(*named)
    other.add_crops(folder / "Annotations", min_box=1)
    other.embed(encoder)
    column = other.vector_column()
    for row in other.table([*columns, column], where="kind = 'crop'").to_pylist()[::10]:
        box = Box(*(row[name] for name in columns[1:]))
        cut = Image.open(row["uri"]).convert("RGB").crop(box.corners)
        expected = encoder.embed(prepare(cut, encoder.preprocessing)[None])[0]
        assert np.dot(expected, row[column]) >= 0.999

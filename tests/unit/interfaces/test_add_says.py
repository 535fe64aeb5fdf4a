"""What `tamis add` says of labels and boxes: nothing is passed over in silence."""

from __future__ import annotations

import json
import unicodedata

import pytest

import tamis
from picture_files import photo_file
from tamis.interfaces.cli.main import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


@pytest.fixture
def said(capfd):
    """Run the command line; returns exit code, stdout and stderr."""

    def run(*arguments):
        capfd.readouterr()
        code = main(list(arguments))
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def photos(place, *names, folder="photos"):
    for number, name in enumerate(names):
        file = place / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo_file(seed=number))


def labels(ds="dataset.tamis"):
    rows = tamis.open(ds).table(["path", "label"]).to_pylist()
    return {row["path"].removeprefix("photos/"): row["label"] for row in rows}


def test_rows_without_a_picture_and_pictures_without_a_row_are_counted(place, said):
    photos(place, "1.jpg", "2.jpg", "3.jpg", "4.jpg", "4.png")
    (place / "t.csv").write_text("path,label\n1.jpg,a\n2,b\ngone.jpg,c\n4,d\n,e\n")
    code, out, err = said("add", "photos", "--labels", "t.csv")
    assert code == 0
    assert "1 of 4 rows of t.csv are of no picture here, such as gone.jpg" in err
    assert "1 row of t.csv for several pictures, given to none, such as 4:" in err
    assert "3 of 5 pictures got nothing from t.csv, such as photos/3.jpg" in err
    assert labels() == {"1.jpg": "a", "2.jpg": "b", "3.jpg": None, "4.jpg": None, "4.png": None}
    code, out, _ = said("info")
    assert "unlabeled  3\n" in out
    _, out, _ = said("add", "photos", "--labels", "t.csv", "-d", "e.tamis", "--json")
    document = json.loads(out)
    assert (document["labeled"], document["label_rows"], document["unlabeled"]) == (2, 4, 3)
    assert len(document["notes"]) >= 3


def test_a_table_that_fits_has_nothing_said_of_it(place, said):
    photos(place, unicodedata.normalize("NFD", "é.jpg"), "2.JPG")
    (place / "t.csv").write_text("path,label\né.jpg,a\nphotos/2.jpg,b\n", encoding="utf-8")
    code, _, err = said("add", "photos", "--labels", "t.csv")
    assert (code, err) == (0, "")
    assert set(labels().values()) == {"a", "b"}


@pytest.mark.parametrize(
    "table",
    [
        "path,label,label\n1.jpg,a,b\n",
        "path,label\n1,2.jpg,a\n",
        "path,label\nx.jpg,a\n",
        "path,label\n1.jpg,a\n1.jpg,b\n",
        "path,label\n",
    ],
)
def test_a_table_that_cannot_be_meant_exits_2_and_adds_nothing(place, said, table):
    photos(place, "1.jpg")
    (place / "t.csv").write_text(table)
    code, out, err = said("add", "photos", "--labels", "t.csv")
    assert (code, out) == (2, "")
    assert "t.csv" in err
    assert not (place / "dataset.tamis").exists()


def test_the_level_of_folders_is_found_said_and_chosen(place, said):
    photos(place, *(f"{name}/Imgs/{n}.jpg" for name in ("wood", "stone") for n in range(2)))
    code, out, err = said("add", "photos", "--labels", "folder", "--json")
    document = json.loads(out)
    assert (code, document["label_level"]) == (0, -2)
    assert "the folders 1 above those that hold the pictures" in err
    assert set(labels().values()) == {"wood", "stone"}
    said("add", "photos", "--labels", "folder", "--label-level", "-1", "-d", "e.tamis")
    assert set(labels("e.tamis").values()) == {"Imgs"}
    code, _, err = said(
        "add", "photos", "--labels", "folder", "--label-level", "7", "-d", "f.tamis"
    )
    assert code == 2
    assert "no picture lies in a folder at level 7" in err
    code, _, err = said("add", "photos", "--label-level", "1", "-d", "g.tamis")
    assert code == 2
    assert "labels 'folder'" in err
    assert tamis.open("e.tamis").log()[1].params["request"]["fields"]["label_level"] == -1


def test_sources_that_are_a_class_each_give_labels(place, said):
    photos(place, "cats/1.jpg", "dogs/2.jpg")
    assert said("add", "photos/cats", "photos/dogs", "--labels", "folder")[0] == 0
    assert labels() == {"cats/1.jpg": "cats", "dogs/2.jpg": "dogs"}


def test_masks_are_noticed_and_left_out(place, said):
    photos(place, "a/1.jpg", "b/2.jpg")
    for name in ("a/1", "b/2"):
        (place / "photos" / f"{name}.png").write_bytes((place / f"photos/{name}.jpg").read_bytes())
    _, _, err = said("add", "photos")
    assert "2 pairs of pictures have one name and one size" in err
    assert "by the pattern '*.png'" in err
    _, _, err = said("add", "photos", "--exclude", "*.png", "--exclude", "masks", "-d", "e.tamis")
    assert "2 files were left out, as they fit '*.png'" in err
    assert "nothing was left out by 'masks'" in err
    assert set(labels("e.tamis")) == {"a/1.jpg", "b/2.jpg"}
    assert tamis.open("e.tamis").log()[1].params["request"]["fields"]["exclude"] == [
        "*.png",
        "masks",
    ]
    code, _, err = said("add", "photos", "--exclude", "*", "-d", "f.tamis")
    assert code == 2
    assert "all that photos holds is excluded (4 files)" in err
    _, _, err = said("add", "photos", "--exclude", "photos/a", "-d", "g.tamis")
    assert "nothing was left out by 'photos/a'" in err
    assert "below the source" in err


COCO = {"images": [{"id": 1, "file_name": "1.jpg"}], "categories": [{"id": 1, "name": "a"}]}
BOX = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 20, 20]}
VOC = "<annotation><filename>1.jpg</filename>{}</annotation>"
NOTHING = {
    "YOLO without a line": ("y/labels/1.txt", "\n"),
    "YOLO of other pictures": ("y/labels/other.txt", "0 .5 .5 .5 .5\n"),
    "YOLO that cannot be read": ("y/labels/1.txt", "cat .5 .5 .5 .5\n"),
    "YOLO outside of the picture": ("y/labels/1.txt", "0 9 9 .5 .5\n"),
    "YOLO settings without labels": ("y/data.yaml", "names: [a]\n"),
    "YOLO settings without names": ("y/data.yaml", "path: .\n"),
    "COCO without a box": ("a.json", json.dumps({**COCO, "annotations": []})),
    "COCO of no category": (
        "a.json",
        json.dumps({**COCO, "annotations": [{**BOX, "category_id": 2}]}),
    ),
    "COCO of another picture": (
        "a.json",
        json.dumps({**COCO, "images": [{"id": 1, "file_name": "x"}], "annotations": [BOX]}),
    ),
    "VOC without a thing": ("y/1.xml", VOC.format("")),
    "VOC that cannot be read": ("y/1.xml", "<annotation>"),
    "VOC without corners": ("y/1.xml", VOC.format("<object><name>a</name></object>")),
}


@pytest.mark.parametrize("what", NOTHING)
def test_boxes_that_were_read_and_gave_nothing_exit_2_with_a_sentence(place, said, what):
    name, content = NOTHING[what]
    photos(place, "1.jpg")
    file = place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    source = name if name.endswith((".json", ".yaml")) else "y"
    code, out, err = said("add", "photos", "--crops", source)
    assert code == 2
    assert "1 added, 0 known, 0 failed" in out, "the pictures are in, and that is said"
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("tamis: ")
    assert "Traceback" not in err
    assert tamis.open("dataset.tamis").info()["kinds"] == {"picture": 1}


def test_label_files_outside_of_the_folders_of_labels_are_counted(place, said):
    photos(place, "images/1.jpg", "images/2.jpg", "images/train.jpg")
    (place / "photos/labels").mkdir()
    for name in ("labels/1.txt", "labels/train.txt", "images/2.txt", "images/more.txt"):
        (place / "photos" / name).write_text("0 .5 .5 .5 .5\n")
    (place / "photos/train.txt").write_text("images/1.jpg\nimages/2.jpg\n")
    (place / "photos/README.txt").write_text("made by\n")
    (place / "photos/labels/classes.txt").write_text("cat\n")
    code, out, err = said("add", "photos", "--crops", "photos")
    assert code == 0
    assert "2 crops of 2 pictures added, 0 known, 0 failed" in out
    assert "2 label files were not read" in err
    assert "images/2.txt" in err


def test_label_files_beside_voc_files_are_counted(place, said):
    photos(place, "1.jpg")
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>30</ymax></bndbox>"
    (place / "photos/1.xml").write_text(VOC.format(f"<object><name>a</name>{box}</object>"))
    (place / "photos/1.txt").write_text("0 .5 .5 .5 .5\n")
    code, out, err = said("add", "photos", "--crops", "photos")
    assert code == 0
    assert "1 crops of 1 pictures added" in out
    assert "1 label file of YOLO (.txt) lies beside the .xml files, not read" in err


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("path: ../set\ntrain: images/train\n", "cfg/my.yaml"),
        ("path: ../../somewhere\ntrain: ../set/images/train\n", "cfg/my.yaml"),
        ("train: ../set/images/train\nval: ../set/images/val\n", "cfg/my.yaml"),
        ("path: set\ntrain: images/train\n", "cfg/deep/my.yml"),
        ("train: ../train/images\n", "set/data.yaml"),
        ("", "set/data.yaml"),
    ],
)
def test_a_data_yaml_leads_to_its_labels(place, said, settings, where):
    photos(place, "images/train/1.jpg", folder="set")
    for name, text in (
        (where, f"{settings}names: [a, b]\n"),
        ("set/labels/train/1.txt", "1 .5 .5 .5 .5"),
    ):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    code, _, err = said("add", "set/images", "--crops", where)
    assert code == 0
    assert ("there is no folder" in err) == ("somewhere" in settings)
    crops = tamis.open("dataset.tamis").table(["label"], where="kind = 'crop'")
    assert crops["label"].to_pylist() == ["b"]


def test_a_box_that_is_there_twice_is_said(place, said):
    photos(place, "1.jpg")
    (place / "a.json").write_text(json.dumps({**COCO, "annotations": [BOX, BOX, BOX]}))
    for added, known in ((1, 0), (0, 1)):
        _, out, _ = said("add", "photos", "--crops", "a.json", "--min-box", "1")
        assert f"{added} crops of 1 pictures added, {known} known, 2 there twice" in out


def test_annotations_that_are_all_known_are_nothing_new(place, said):
    photos(place, "1.png", "2.png")
    (place / "classes.csv").write_text("file,label\n1.png,cat\n2.png,dog\n")
    said("add", "photos")
    arguments = ("import", "csv", "classes.csv", "--layer", "given")
    assert said(*arguments)[1].startswith(
        "2 annotations of 2 pictures imported into given, 0 known"
    )
    again = said(*arguments)[1]
    assert again.startswith(
        "nothing new: 2 annotations are in given already, 0 removed, 0 failed\n"
    )

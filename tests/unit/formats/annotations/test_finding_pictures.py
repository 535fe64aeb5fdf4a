"""Which picture an annotation means, in the layouts that datasets come in."""

from __future__ import annotations

import json

from tamis.formats.annotations import read_boxes
from tamis.formats.annotations.finding import PictureFinder


def found(source, *uris):
    finder = PictureFinder(map(str, uris))
    return [finder.find_for(box) for box in read_boxes(str(source)).entries]


def yolo_file(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("0 .5 .5 .5 .5\n")


def test_yolo_labels_mirror_their_pictures(tmp_path):
    pictures = []
    for labels, images in (
        ("train/labels", "train/images"),
        ("val/labels", "val/images"),
        ("labels/test", "images/test"),
    ):
        yolo_file(tmp_path / labels / "1.txt")
        pictures.append(str(tmp_path / images / "1.jpg"))
    assert sorted(found(tmp_path, *pictures)) == sorted(pictures)


def test_coco_subsets_find_their_own_pictures(tmp_path):
    (tmp_path / "annotations").mkdir()
    pictures = [str(tmp_path / subset / "1.jpg") for subset in ("train2017", "val2017")]
    for subset in ("train2017", "val2017"):
        document = {
            "images": [{"id": 1, "file_name": "1.jpg"}],
            "categories": [{"id": 1, "name": "x"}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
        }
        file = tmp_path / "annotations" / f"instances_{subset}.json"
        file.write_text(json.dumps(document))
        assert found(file, *pictures) == [str(tmp_path / subset / "1.jpg")]


def test_members_of_archives_are_found_by_their_path_inside():
    finder = PictureFinder(["/d/x.zip!a.jpg", "/d/x.zip!s/b.jpg", "/d/not!c.jpg"])
    assert finder.find("a.jpg") == "/d/x.zip!a.jpg"
    assert finder.find("s/b.jpg") == "/d/x.zip!s/b.jpg"
    assert finder.find("not!c.jpg") == "/d/not!c.jpg"


def test_a_path_of_another_machine_is_found_by_its_file_name_alone():
    finder = PictureFinder(["/d/val/1.jpg", "/d/val/2.jpg", "/d/train/2.jpg"])
    assert finder.find("/home/pi/set/1.jpg") == "/d/val/1.jpg"
    assert finder.find("C:\\set\\1.jpg") == "/d/val/1.jpg"
    assert list(finder.find("/home/pi/set/1.png")) == []
    assert len(finder.find("/home/pi/set/2.jpg")) == 2
    assert list(finder.find("train/1.jpg")) == []  # a relative path is no such thing
    assert [list(finder.find(name)) for name in ("", ".", "/", "..")] == [[], [], [], []]

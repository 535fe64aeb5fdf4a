"""`ds.torch` gives pictures and targets as torchvision's detectors take them, workers and all."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.errors import PictureError, UsageError

torch = pytest.importorskip("torch")

SIZE = (80, 60)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three pictures by decreasing name, of which one lies on its side on disk."""
    root = tmp_path_factory.mktemp("torch")
    (root / "images").mkdir()
    for number in (2, 1, 0):
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 2 else 1
        Image.effect_noise(SIZE, 40 + number).save(root / "images" / f"{number}.png", exif=exif)
    document = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(3)],
        "categories": [{"id": 9, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"image_id": 0, "category_id": 9, "bbox": [1.5, 2, 10, 20.25]},
            {"image_id": 0, "category_id": 3, "bbox": [5, 6, 4, 3],
             "segmentation": [[5, 6, 9, 6, 9, 9, 5, 9]]},
            {"image_id": 2, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1,
             "keypoints": [1, 2, 2, 3, 4, 1]},
        ],
    }  # fmt: skip
    (root / "in.json").write_text(json.dumps(document))
    ds = tamis.open(root / "d.tamis")
    ds.add(str(root / "images"))
    ds.import_annotations("coco", root / "in.json")
    ds.label("b", where="path LIKE '%0.png'")
    ds.label("a", where="path LIKE '%2.png'")
    names = ds.table(["sample_id", "path"]).sort_by("path")["sample_id"].to_pylist()
    with ds.store.operation("split") as operation:
        operation.set_marks(names, {"split": ["train", "train", "val"]})
    return ds


def test_targets_are_as_detectors_take_them(dataset):
    data = dataset.torch()
    assert isinstance(data, torch.utils.data.Dataset)
    assert (len(data), data.classes, data.missing) == (3, ("cat", "dog"), [])
    picture, target = data[0]
    assert (picture.mode, picture.size) == ("RGB", SIZE)
    assert target["boxes"].tolist() == [[1.5, 2, 11.5, 22.25], [5, 6, 9, 9]]
    assert target["boxes"].dtype == torch.float32
    assert (target["labels"].tolist(), target["labels"].dtype) == ([2, 1], torch.int64)
    assert target["area"].tolist() == [202.5, 12]
    assert target["iscrowd"].tolist() == [0, 0]
    assert target["masks"].shape == (2, 60, 80)
    assert target["masks"].sum(dim=(1, 2)).tolist() == [10 * 20, 12]
    assert target["keypoints"].shape == (2, 2, 3)
    assert target["image_id"] == 0


def test_pictures_are_upright_and_those_without_objects_have_empty_targets(dataset):
    data = dataset.torch()
    assert data[2][0].size == SIZE[::-1]
    assert data[2][1]["iscrowd"].tolist() == [1]
    assert data[2][1]["keypoints"].tolist() == [[[1, 2, 2], [3, 4, 1]]]
    empty = data[1][1]
    assert empty["boxes"].shape == (0, 4)
    assert empty["masks"].shape == (0, 60, 80)
    assert data[-1][1]["image_id"] == 2
    with pytest.raises(IndexError):
        data[3]


def test_the_order_is_that_of_paths_and_splits_and_conditions_choose(dataset):
    paths = dataset.table(["sample_id", "path"]).sort_by("path")
    assert dataset.torch().sample_ids == paths["sample_id"].to_pylist()
    assert len(dataset.torch("train")) == 2
    assert len(dataset.torch("train", where="HAS(label = 'dog')")) == 1
    with pytest.raises(UsageError, match="no picture is left"):
        dataset.torch("test")


def test_classes_keep_their_numbers_across_splits(dataset):
    data = dataset.torch("val", classes=["bird", "cat", "dog"])
    assert data[0][1]["labels"].tolist() == [2]
    with pytest.raises(UsageError, match=r"'cat'.*is not among the classes"):
        dataset.torch("val", classes=["bird"])


def test_labels_as_targets(dataset):
    data = dataset.torch(target="label")
    assert (len(data), data.classes) == (2, ("a", "b"))
    assert [data[n][1] for n in range(2)] == [1, 0]


def turned(picture, target):
    return np.asarray(picture).shape, {"labels": target["labels"]}


@pytest.mark.filterwarnings("ignore:lance is not fork-safe")
def test_workers_give_the_same(dataset):
    data = dataset.torch(transforms=turned)
    again = pickle.loads(pickle.dumps(data))
    assert again[0][0] == (60, 80, 3)
    loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=1, collate_fn=data.collate)
    shapes = [shape for pictures, _ in loader for shape in pictures]
    assert shapes == [data[n][0] for n in range(3)]


def test_transforms_of_torchvision_turn_boxes_along(dataset):
    transforms = pytest.importorskip("torchvision.transforms.v2")
    flip = transforms.RandomHorizontalFlip(1.0)
    target = dataset.torch(transforms=flip)[0][1]
    assert target["boxes"][1].tolist() == [80 - 9, 6, 80 - 5, 9]
    assert target["masks"][1][6:9, 71:75].all()


def test_what_is_gone_is_left_out_and_what_changes_later_is_told(tmp_path):
    for number in range(3):
        Image.effect_noise(SIZE, 40 + number).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path))
    (tmp_path / "0.png").unlink()
    data = ds.torch()
    assert (len(data), [one.path for one in data.missing]) == (2, [str(tmp_path / "0.png")])
    (tmp_path / "1.png").write_bytes(b"other")
    with pytest.raises(PictureError, match="changed"):
        data[0]

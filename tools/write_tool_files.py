"""Write small annotation files with the tools whose formats they are, for `tests/golden`.

    python tools/write_tool_files.py tests/data/tools

Run it in an environment of its own with datasets, webdataset, fiftyone and label-studio-sdk. All
files say the same of one picture, `a.jpg` of 80 x 60 pixels, as far as they can: a cat's box, a
dog's mask, a person's keypoints, a road's outline, and that the picture is of the class `sunny`.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np

CAT = [10.0, 6.0, 20.0, 12.0]
ROAD = [8.0, 6.0, 40.0, 6.0, 40.0, 30.0]
MASK = np.zeros((60, 80), bool)
MASK[12:30, 16:40] = True
MASK[18:24, 24:32] = False


def jpeg() -> bytes:
    """Return the picture."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (80, 60), (90, 120, 150)).save(stream, "JPEG")
    return stream.getvalue()


def write_fiftyone(folder: Path) -> None:
    """Write samples as MongoDB has them."""
    import fiftyone as fo
    from bson import json_util

    tight = MASK[12:30, 16:40]
    boxes = [
        fo.Detection(label="cat", bounding_box=[0.125, 0.1, 0.25, 0.2], pose="left"),
        fo.Detection(label="dog", bounding_box=[0.2, 0.2, 0.3, 0.3], mask=tight),
    ]
    points = [(0.1, 0.2), (float("nan"), float("nan")), (0.3, 0.4)]
    sample = fo.Sample(
        filepath="/data/a.jpg",
        metadata=fo.ImageMetadata(width=80, height=60),
        ground_truth=fo.Detections(detections=boxes),
        ground_truth_polylines=fo.Polylines(
            polylines=[
                fo.Polyline(
                    label="road", points=[[(0.1, 0.1), (0.5, 0.1), (0.5, 0.5)]], closed=True
                ),
                fo.Polyline(label="lane", points=[[(0.1, 0.1), (0.5, 0.1)]]),
            ]
        ),
        ground_truth_keypoints=fo.Keypoints(
            keypoints=[fo.Keypoint(label="person", points=points)]
        ),
        ground_truth_classes=fo.Classifications(
            classifications=[fo.Classification(label="sunny")]
        ),
        model=fo.Detections(
            detections=[
                fo.Detection(label="cat", bounding_box=[0.125, 0.1, 0.25, 0.2], confidence=0.75)
            ]
        ),
    )  # fmt: skip
    document = sample.to_mongo_dict()
    document["filepath"] = "data/a.jpg"
    folder.mkdir()
    (folder / "samples.json").write_text(json_util.dumps({"samples": [document]}, indent=1))
    about = {"name": "small", "version": "1.0", "media_type": "image"}
    (folder / "metadata.json").write_text(json.dumps(about))


def write_datasets(folder: Path) -> None:
    """Write Arrow files."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, List, Value

    features = Features(
        {
            "image": Image(),
            "label": ClassLabel(names=["rainy", "sunny"]),
            "objects": {
                "bbox": List(List(Value("float32"))),
                "category": List(ClassLabel(names=["dog", "cat"])),
            },
        }
    )
    row = {
        "image": {"bytes": jpeg(), "path": "a.jpg"},
        "label": 1,
        "objects": {"bbox": [CAT], "category": [1]},
    }
    data = Dataset.from_list([row], features=features)
    DatasetDict({"train": data}).save_to_disk(str(folder))


def write_webdataset(folder: Path) -> None:
    """Write a shard."""
    import webdataset

    folder.mkdir()
    with webdataset.TarWriter(str(folder / "train-000000.tar"), mtime=0) as sink:
        said = {"objects": {"bbox": [CAT], "category": ["cat"]}}
        sink.write({"__key__": "a", "jpg": jpeg(), "cls": 1, "json": said, "txt": "a sunny road"})
    (folder / "classes.txt").write_text("rainy\nsunny\n")


def write_label_studio(folder: Path) -> None:
    """Write tasks, of which the tool itself makes boxes, an outline and a brush."""
    from label_studio_sdk.converter.brush import encode_rle
    from label_studio_sdk.converter.imports.coco import convert_coco_to_ls

    folder.mkdir()
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "road"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": CAT, "area": 240, "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [8, 6, 32, 24],
             "segmentation": [ROAD], "area": 384, "iscrowd": 0},
        ],
    }  # fmt: skip
    source = folder / "coco.json"
    source.write_text(json.dumps(document))
    convert_coco_to_ls(str(source), str(folder / "tasks.json"), out_type="annotations")
    source.unlink()
    tasks = json.loads((folder / "tasks.json").read_text())
    packed = encode_rle(np.repeat(MASK.ravel().astype(np.uint8) * 255, 4))
    tasks[0]["annotations"][0]["result"].append(
        {
            "id": "brush",
            "type": "brushlabels",
            "from_name": "tag",
            "to_name": "image",
            "original_width": 80,
            "original_height": 60,
            "image_rotation": 0,
            "value": {"format": "rle", "rle": [int(n) for n in packed], "brushlabels": ["dog"]},
        }
    )
    (folder / "tasks.json").write_text(json.dumps(tasks, indent=1))
    for file in folder.iterdir():
        if file.name != "tasks.json":
            file.unlink()


if __name__ == "__main__":
    root = Path(sys.argv[1])
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    write_fiftyone(root / "fiftyone")
    write_datasets(root / "huggingface")
    write_webdataset(root / "webdataset")
    write_label_studio(root / "labelstudio")

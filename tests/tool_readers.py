"""Read exports with the tools whose formats they are; run by a Python that has these tools.

    python tests/tool_readers.py FOLDER

The folder has an export of each format, named so. Prints as JSON what each tool found: how many
pictures, classes, and boxes as left, top, right, bottom.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path


def corners(boxes) -> list:
    return sorted(
        [round(x, 3), round(y, 3), round(x + w, 3), round(y + h, 3)] for x, y, w, h in boxes
    )


def huggingface(folder: Path) -> dict:
    from datasets import load_from_disk

    data = load_from_disk(str(folder))
    names = data.features["objects"]["category"].feature.names
    return {
        "pictures": [row["image"].size for row in data],
        "classes": sorted({names[n] for row in data for n in row["objects"]["category"]}),
        "boxes": corners(box for row in data for box in row["objects"]["bbox"]),
    }


def imagefolder(folder: Path) -> dict:
    from datasets import load_dataset

    cache = folder.parent / "cache"
    data = load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(cache), split="train")
    return {
        "pictures": [row["image"].size for row in data],
        "classes": sorted({name for row in data for name in row["objects"]["category"]}),
        "boxes": corners(box for row in data for box in row["objects"]["bbox"]),
    }


def webdataset(folder: Path) -> dict:
    from webdataset import WebDataset

    [shard] = folder.glob("*.tar")
    rows = list(WebDataset(str(shard), shardshuffle=False).decode("pil"))
    pictures = [next(row[key] for key in ("png", "jpg") if key in row) for row in rows]
    return {
        "pictures": [picture.size for picture in pictures],
        "classes": sorted({name for row in rows for name in row["json"]["objects"]["category"]}),
        "boxes": corners(box for row in rows for box in row["json"]["objects"]["bbox"]),
    }


def _supervision(data) -> dict:
    found = [(picture.shape[1::-1], detections) for _, picture, detections in data]
    return {
        "pictures": [size for size, _ in found],
        "classes": sorted({data.classes[n] for _, one in found for n in one.class_id}),
        "boxes": sorted([round(float(n), 3) for n in box] for _, one in found for box in one.xyxy),
    }


def coco(folder: Path) -> dict:
    from supervision import DetectionDataset

    return _supervision(
        DetectionDataset.from_coco(
            str(folder / "images"), str(folder / "annotations" / "instances.json")
        )
    )


def yolo(folder: Path) -> dict:
    from supervision import DetectionDataset

    return _supervision(
        DetectionDataset.from_yolo(
            str(folder / "images"), str(folder / "labels"), str(folder / "data.yaml")
        )
    )


def voc(folder: Path) -> dict:
    from supervision import DetectionDataset

    return _supervision(
        DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    )


def labelstudio(folder: Path) -> dict:
    from label_studio_sdk.converter import Converter

    out = folder.parent / "labelstudio-as-coco"
    setup = (folder / "config.xml").read_text("utf-8")
    Converter(setup, str(folder), download_resources=False).convert_to_coco(
        str(folder / "tasks.json"), str(out), output_image_dir=str(out), is_dir=False
    )
    document = json.loads((out / "result.json").read_text("utf-8"))
    return {
        "pictures": [(one["width"], one["height"]) for one in document["images"]],
        "classes": sorted(one["name"] for one in document["categories"]),
        "boxes": corners(one["bbox"] for one in document["annotations"]),
    }


def fiftyone(folder: Path) -> dict:
    from fiftyone.utils.data.importers import (
        FiftyOneDatasetImporter,
        LegacyFiftyOneDatasetImporter,
    )

    assert FiftyOneDatasetImporter(str(folder))._is_legacy_format_data()
    importer = LegacyFiftyOneDatasetImporter(str(folder))
    importer.setup()
    samples = [one for one in importer if one.has_field("ground_truth")]
    found = [(s.metadata, d) for s in samples for d in s.ground_truth.detections]
    return {
        "pictures": [(s.metadata.width, s.metadata.height) for s in samples],
        "classes": sorted({label.label for _, label in found}),
        "boxes": corners(
            [
                share * (size.width, size.height)[at % 2]
                for at, share in enumerate(label.bounding_box)
            ]
            for size, label in found
        ),
    }


READERS = (coco, yolo, voc, huggingface, imagefolder, webdataset, labelstudio, fiftyone)

if __name__ == "__main__":
    found = {}
    with contextlib.redirect_stdout(sys.stderr):
        for reader in READERS:
            found[reader.__name__] = reader(Path(sys.argv[1]) / reader.__name__)
    sys.stdout.write(json.dumps(found))

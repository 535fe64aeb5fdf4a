"""Made `dataset.tar.xz`: a dataset with annotations, a probe and a drift reference.

It is kept so that every later version is held to open it. Never make it again with later code:
what a later version writes gets an archive of its own. Beside the dataset and its sources the
archive holds `expected.json`, which says what was to be seen at each snapshot.

Run as `python make.py ARCHIVE`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tamis
from dataset_contents import annotations, contents, history
from made_videos import scene

SIZE = (64, 48)
WRITTEN_AT = 1_700_000_000
HOME = Path(tempfile.gettempdir()) / "tamis-annotated-dataset"
"""Where it was made; the rows name pictures below it, which are there no more."""

POLYGON = [30.5, 10, 54, 12, 40, 40.25]


def make_sources() -> None:
    """Twenty-four pictures in two folders, and boxes and polygons on three of them."""
    for number in range(24):
        folder = Path("pictures", "cats" if number % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        scene(100 + number, SIZE).save(folder / f"{number:02}.jpg", quality=80)
    marks: dict[str, Any] = {
        "images": [
            {"id": number, "file_name": f"{kind}/{number:02}.jpg", "width": 64, "height": 48}
            for number, kind in ((1, "cats"), (2, "dogs"), (3, "cats"))
        ],
        "categories": [{"id": 1, "name": "ear"}, {"id": 2, "name": "tail"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 20.5, 20]},
            {
                "id": 2,
                "image_id": 1,
                "category_id": 2,
                "bbox": [30.5, 10, 23.5, 30.25],
                "segmentation": [POLYGON],
                "area": 350,
                "iscrowd": 0,
            },
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": [10, 5, 40, 40]},
            {"id": 4, "image_id": 3, "category_id": 2, "bbox": [12, 8, 20, 20]},
        ],
    }
    Path("pictures/marks.json").write_text(json.dumps(marks))
    for path in [*Path().rglob("*")]:
        os.utime(path, (WRITTEN_AT, WRITTEN_AT))


def make_dataset() -> dict[str, Any]:
    """Take a step of each kind, and return what is to be seen after each."""
    dataset = tamis.open("dataset.tamis")
    seen = {}

    steps = [
        lambda: dataset.add("pictures", labels="folder"),
        lambda: dataset.import_annotations("coco", "pictures/marks.json", layer="marks"),
        lambda: dataset.crop_objects(layer="marks"),
        dataset.embed,
        lambda: dataset.rename_class("ear", "pinna", layer="marks"),
        lambda: dataset.label("odd", where="path LIKE '%/07.jpg'", layer="second_look"),
        lambda: dataset.tag_pictures("blue", where="path LIKE '%/1%.jpg'"),
        lambda: dataset.clear_labels(where="path LIKE '%/2%.jpg'"),
        lambda: dataset.cluster(k=2),
        dataset.propagate_labels,
        lambda: dataset.train_probe(name="pets"),
        lambda: dataset.predict_probe(name="pets"),
        dataset.drift_fit,
    ]
    for step in steps:
        step()
        seen[str(dataset.store.snapshot)] = {
            **contents(dataset),
            "annotations": annotations(dataset),
        }
    dataset.gc()
    return {"snapshots": seen, "log": history(dataset)}


def main(archive: Path) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    os.chdir(HOME)
    make_sources()
    Path("expected.json").write_text(json.dumps(make_dataset()))
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for name in ("dataset.tamis", "pictures", "expected.json"):
            tar.add(name, filter=_of_nobody)
    shutil.rmtree(HOME)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""Made `dataset.tar.xz`: a dataset of 20 pictures and 3 crops as tamis 0.1.0 wrote it.

It is kept so that every later version is held to open it. Never make it again with later code:
what a later version writes gets an archive of its own. Beside the dataset and its sources the
archive holds `expected.json`, which says what was to be seen at each snapshot.

Run as `python make.py ARCHIVE`; needs the extras `video` and `concepts`.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tamis
from dataset_contents import contents, history
from made_videos import noisy, scene, write_video

BUNDLED = "bundled:efficientnet-lite0"
SIZE = (64, 48)
WRITTEN_AT = 1_700_000_000
HOME = Path(tempfile.gettempdir()) / "tamis-first-dataset"
"""Where it was made; the rows name pictures below it, which are there no more."""


def jpeg(number: int, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    exif = scene(number).getexif()
    if number % 5 == 0:
        exif[0x0110] = "Camera 5"
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:{number + 1:02} 10:00:00"
    scene(number, SIZE).save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def make_sources() -> None:
    """Twelve pictures in two folders, a copy, a damaged file, three in an archive, four frames."""
    for number in range(12):
        folder = Path("pictures", "cats" if number % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:02}.jpg").write_bytes(jpeg(number))
    Path("pictures/dogs/copy of 00.jpg").write_bytes(jpeg(0, quality=85))
    Path("pictures/cats/damaged.jpg").write_bytes(jpeg(1)[:900])
    with zipfile.ZipFile("more.zip", "w") as archive:
        for number in (12, 13, 14):
            archive.writestr(f"birds/{number}.jpg", jpeg(number))
    frames = [noisy(scene(number, SIZE), number) for number in (15, 16, 17, 18)]
    write_video(Path("clip.avi"), frames, codec="mjpeg", rate=2)
    boxes: dict[str, Any] = {
        "images": [
            {"id": 1, "file_name": "cats/01.jpg", "width": 64, "height": 48},
            {"id": 2, "file_name": "dogs/02.jpg", "width": 64, "height": 48},
        ],
        "categories": [{"id": 1, "name": "ear"}, {"id": 2, "name": "tail"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 20, 20]},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [30, 10, 24, 30]},
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": [10, 5, 40, 40]},
        ],
    }
    Path("pictures/boxes.json").write_text(json.dumps(boxes))
    for path in [*Path().rglob("*")]:
        os.utime(path, (WRITTEN_AT, WRITTEN_AT))


def make_dataset() -> dict[str, Any]:
    """Take a step of each kind, and return what is to be seen after each."""
    dataset = tamis.open("dataset.tamis")
    seen = {str(dataset.store.snapshot): contents(dataset)}

    steps = [
        lambda: dataset.add("pictures", labels="folder"),
        lambda: dataset.add("more.zip", "clip.avi", every="frame"),
        lambda: dataset.add_crops("pictures/boxes.json"),
        dataset.embed,
        lambda: dataset.duplicates(threshold=0.85, apply=True),
        dataset.scores,
        lambda: dataset.select(8),
        lambda: dataset.tag("chosen"),
        lambda: dataset.split(train=0.6, val=0.2, test=0.2),
        lambda: dataset.select(5, strategy="k-means", seed=1),
        dataset.undo,
        lambda: dataset.embed("concepts"),
        lambda: dataset.filter("bird", threshold=0.05, tag="bird", encoder="concepts"),
        lambda: dataset.filter("umbrella", threshold=0.01, tag="umbrella", encoder="concepts"),
        lambda: dataset.split(folds=3, seed=2, encoder=BUNDLED),
    ]
    for step in steps:
        step()
        seen[str(dataset.store.snapshot)] = contents(dataset)
    dataset.gc()
    return {"snapshots": seen, "log": history(dataset), "tags": {"chosen": _tagged(dataset)}}


def _tagged(dataset: tamis.Dataset) -> int:
    return tamis.open(dataset.path, snapshot="chosen").store.snapshot


def main(archive: Path) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    os.chdir(HOME)
    make_sources()
    Path("expected.json").write_text(json.dumps(make_dataset()))
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for name in ("dataset.tamis", "pictures", "more.zip", "clip.avi", "expected.json"):
            tar.add(name, filter=_of_nobody)
    shutil.rmtree(HOME)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

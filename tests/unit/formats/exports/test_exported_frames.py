"""Frames of videos and members of archives go out as files, their annotations with them."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile

import pytest
from PIL import Image

import tamis
from made_videos import scenes, write_video

SIZE = (64, 48)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A frame of a video and a member of an archive, each with a box."""
    pytest.importorskip("av")
    root = tmp_path_factory.mktemp("frames")
    write_video(root / "line.mp4", scenes([101], 5, SIZE))
    with zipfile.ZipFile(root / "some.zip", "w") as archive:
        stream = io.BytesIO()
        Image.effect_noise(SIZE, 50).save(stream, "PNG")
        archive.writestr("deep/a.png", stream.getvalue())
    ds = tamis.open(root / "d.tamis")
    ds.add([str(root / "line.mp4"), str(root / "some.zip")])
    ids = ds.table(["sample_id"])["sample_id"].to_pylist()
    ds.add_annotations(ids, ["dog"] * len(ids), boxes=[[4, 6, 20, 10]] * len(ids), layer="made")
    return ds


def size_of(file) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


@pytest.mark.parametrize("format_name", ["coco", "labelstudio", "imagefolder"])
def test_as_files(dataset, tmp_path, format_name):
    report = dataset.export(format_name, tmp_path / "out", layer="made")
    assert (report.failed, report.notes) == ((), ())
    pictures = sorted((tmp_path / "out").rglob("*.png"))
    assert "line-frame-000000.png" in [one.name for one in pictures]
    assert len(pictures) == report.exported == len(dataset)
    assert {size_of(one) for one in pictures} == {SIZE}
    back = dataset.import_annotations(format_name, tmp_path / "out", layer="back", replace=True)
    assert (back.imported, back.failed) == (len(dataset), [])


def test_inside_shards(dataset, tmp_path):
    dataset.export("webdataset", tmp_path / "out", layer="made")
    with tarfile.open(tmp_path / "out/data-000000.tar") as tar:
        names = tar.getnames()
        assert {"line-frame-000000.png", "line-frame-000000.json", "a.png"} <= set(names)
        said = json.load(tar.extractfile("a.json"))
        picture = Image.open(io.BytesIO(tar.extractfile("line-frame-000000.png").read()))
    assert said["objects"] == {"bbox": [[4, 6, 20, 10]], "category": ["dog"]}
    assert picture.size == SIZE
    back = dataset.import_annotations("auto", tmp_path / "out", layer="back", replace=True)
    assert (back.imported, back.failed) == (len(dataset), [])


def test_shards_that_were_added_find_their_own_annotations(dataset, tmp_path):
    dataset.export("webdataset", tmp_path / "out", layer="made")
    again = tamis.open(tmp_path / "again.tamis")
    again.add(str(tmp_path / "out/data-000000.tar"))
    report = again.import_annotations("webdataset", tmp_path / "out/data-000000.tar")
    assert (report.imported, report.failed) == (len(dataset), [])

"""An export that was killed goes on where it was; what is there is whole, and no one else's."""

from __future__ import annotations

import fcntl
import os

import pytest
from PIL import Image

import tamis
from tamis.errors import ConflictError
from tamis.formats.exports import annotated
from tamis.formats.exports import folder as exporting
from tamis.formats.exports.destination import new_folder
from tamis.formats.writers import huggingface, webdataset


class Killed(BaseException):
    """Stands for the end of the process: nothing is cleaned up."""


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(5):
        Image.effect_noise((20, 16), 40 + number).save(tmp_path / "images" / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    ds.add(str(tmp_path / "images"))
    ds.label("dog", all=True)
    return ds


def kill_after(monkeypatch, count: int, *, within: bool = False) -> list[str]:
    """Let exports end after so many pictures, or within the next; tells which are read."""
    read: list[str] = []
    original = exporting.verified_content

    def verified(row):
        if len(read) == count and not within:
            raise Killed
        read.append(row["path"])
        content = original(row)
        if len(read) > count:
            raise Killed
        return content

    for module in (exporting, annotated):
        monkeypatch.setattr(module, "verified_content", verified)
    monkeypatch.setattr("tamis.formats.exports.destination.shutil.rmtree", lambda *_, **__: None)
    return read


@pytest.fixture
def small_files(monkeypatch):
    """Let files with pictures inside have one or two each."""
    monkeypatch.setattr(webdataset, "_SHARD_PICTURES", 1)
    for name in ("_BATCH_ROWS", "_FILE_BYTES"):
        monkeypatch.setattr(huggingface, name, 1)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize(
    "format_name",
    ["folder", "coco", "yolo", "voc", "yolo-classify", "webdataset", "huggingface"],
)
@pytest.mark.parametrize("within", [True, False])
def test_a_killed_export_goes_on(dataset, tmp_path, monkeypatch, format_name, within):
    dataset.export(format_name, tmp_path / "whole")
    with monkeypatch.context() as context:
        kill_after(context, 3, within=within)
        with pytest.raises(Killed):
            dataset.export(format_name, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with monkeypatch.context() as context:
        read = kill_after(context, 5)
        assert dataset.export(format_name, tmp_path / "out").exported == 5
    # a shard that was not full when its process died is written again
    assert len(read) == (3 if format_name == "webdataset" else 2)
    whole, out = (
        {
            file.relative_to(tmp_path / name).as_posix(): file.read_bytes()
            for file in (tmp_path / name).rglob("*")
            if file.is_file()
        }
        for name in ("whole", "out")
    )
    assert whole == out
    assert [one.name for one in tmp_path.iterdir() if "partial" in one.name] == []


def test_another_export_begins_anew(dataset, tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        kill_after(context, 3)
        with pytest.raises(Killed):
            dataset.export("coco", tmp_path / "out")
    dataset.label("cat", all=True)
    with monkeypatch.context() as context:
        read = kill_after(context, 5)
        dataset.export("coco", tmp_path / "out")
    assert len(read) == 5


def test_two_at_once_do_not_write_into_each_other(tmp_path):
    draft = tmp_path / ".out.partial-abc"
    draft.mkdir()
    held = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(ConflictError, match="another process is writing"),
            new_folder(tmp_path / "out", plan="abc"),
        ):
            pass
    finally:
        os.close(held)
    assert draft.exists()
    with new_folder(tmp_path / "out", plan="abc"):
        pass
    assert not draft.exists()

"""Tell which format annotations are in, and read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.formats.annotations.coco import read_coco
from tamis.formats.annotations.voc import read_voc
from tamis.formats.annotations.yolo import read_yolo, read_yolo_dataset
from tamis.formats.annotations.yolo_files import files_below, holds_boxes, label_files
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.formats.annotations.boxes import Annotations

__all__ = ["read_annotations"]


def read_annotations(source: str) -> Annotations:
    """Read the boxes of a COCO file, a folder of VOC files, or a YOLO dataset.

    Args:
        source: a `.json` file (COCO); a folder with `.xml` files (VOC) or with `.txt` label files
            (YOLO), at any depth; or a YOLO `data.yaml`.

    Raises:
        InputError: it does not exist, or holds no annotations.
    """
    found = _read(source)
    if not found.boxes and not found.failures:
        raise InputError(f"{source} was read and has no box in it; name another source of boxes")
    return found


def _read(source: str) -> Annotations:
    place = Path(source).expanduser()
    ending = place.suffix.lower() if place.is_file() else ""
    if ending in (".yaml", ".yml"):
        return read_yolo_dataset(place)
    if ending == ".json":
        return read_coco(place)
    if ending == ".xml":
        return read_voc([place])
    if not place.is_dir():
        raise InputError(
            f"{source} holds no annotations: give a COCO file (.json), a folder of VOC files "
            "(.xml), or a folder of YOLO labels (.txt) or its data.yaml"
        )
    texts = files_below(place, ".txt")
    labels = label_files(texts)[0]
    if files := files_below(place, ".xml"):
        found = read_voc(files)
        if beside := [file for file in labels if holds_boxes(file)]:
            found.notes.append(
                f"{counted(len(beside), 'label file of YOLO (.txt) lies')} beside the .xml "
                f"files, not "
                f"read: {beside[0]}"
            )
        return found
    if labels:
        return read_yolo(place, texts)
    documents = sorted(place.glob("*.json"))
    if len(documents) == 1:
        return read_coco(documents[0])
    raise InputError(
        f"{source} has no .xml files (VOC) and no .txt files (YOLO) below it; for COCO name the "
        ".json file itself"
    )

"""Tell which format annotations are in, and read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis.data.annotations.coco import read_coco
from tamis.data.annotations.voc import read_voc
from tamis.data.annotations.yolo import label_files, read_yolo
from tamis.data.sources.folder import is_hidden
from tamis.errors import InputError

if TYPE_CHECKING:
    from tamis.data.annotations.boxes import Annotations

__all__ = ["read_annotations"]


def read_annotations(source: str) -> Annotations:
    """Read the boxes of a COCO file, a folder of VOC files, or a YOLO dataset.

    Args:
        source: a `.json` file (COCO); a folder with `.xml` files (VOC) or with `.txt` label files
            (YOLO), at any depth; or a YOLO `data.yaml`.

    Raises:
        InputError: it does not exist or holds no annotations.
    """
    place = Path(source).expanduser()
    if place.is_file() and place.suffix.lower() in (".yaml", ".yml"):
        return read_yolo(place.parent, label_files(_below(place.parent, "*.txt")), place)
    if place.is_file() and place.suffix.lower() == ".json":
        return read_coco(place)
    if place.is_file() and place.suffix.lower() == ".xml":
        return read_voc([place])
    if not place.is_dir():
        raise InputError(
            f"{source} holds no annotations: give a COCO file (.json), a folder of VOC files "
            "(.xml), or a folder of YOLO labels (.txt) or its data.yaml"
        )
    if files := _below(place, "*.xml"):
        return read_voc(files)
    if files := label_files(_below(place, "*.txt")):
        return read_yolo(place, files)
    documents = sorted(place.glob("*.json"))
    if len(documents) == 1:
        return read_coco(documents[0])
    raise InputError(
        f"{source} has no .xml files (VOC) and no .txt files (YOLO) below it; for COCO name the "
        ".json file itself"
    )


def _below(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder, sorted, without what is hidden from sight."""
    return [
        file
        for file in sorted(folder.rglob(pattern))
        if not any(map(is_hidden, file.relative_to(folder).parts))
    ]

"""Tell which format annotations are in, and read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tamis.errors import InputError, UsageError
from tamis.formats.annotations.coco import read_coco
from tamis.formats.annotations.cvat import is_cvat, read_cvat
from tamis.formats.annotations.labelme import is_labelme, read_labelme
from tamis.formats.annotations.picture_folders import read_picture_folders
from tamis.formats.annotations.source_annotation import Annotations
from tamis.formats.annotations.table import read_table
from tamis.formats.annotations.voc import read_voc
from tamis.formats.annotations.yolo import read_yolo, read_yolo_dataset
from tamis.formats.annotations.yolo_files import files_below, holds_boxes, label_files
from tamis.types import Failure
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["READERS", "read_annotations", "read_as", "read_boxes"]


def read_annotations(place: Path) -> Annotations:
    """Read annotations in whichever format they are in.

    Args:
        place: a COCO or LabelMe file (`.json`), a CVAT file (`.xml`), a table (`.csv`,
            `.parquet`), a YOLO `data.yaml`, or a folder of VOC or CVAT (`.xml`), LabelMe (`.json`)
            or YOLO (`.txt`) files, at any depth.

    Raises:
        InputError: it does not exist, or holds no annotations.
    """
    ending = place.suffix.lower() if place.is_file() else ""
    match ending:
        case ".yaml" | ".yml":
            return read_yolo_dataset(place)
        case ".json":
            return read_labelme([place]) if is_labelme(place) else read_coco(place)
        case ".xml":
            return read_cvat(place) if is_cvat(place) else read_voc([place])
        case ".csv" | ".parquet":
            return read_table(place)
    if not place.is_dir():
        raise InputError(
            f"{place} holds no annotations: give a COCO file (.json), a folder of VOC files "
            "(.xml), or a folder of YOLO labels (.txt) or its data.yaml"
        )
    return _read_folder(place)


def _read_folder(place: Path) -> Annotations:
    texts = files_below(place, ".txt")
    labels = label_files(texts)[0]
    if files := files_below(place, ".xml"):
        if len(files) == 1 and is_cvat(files[0]):
            return read_cvat(files[0])
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
    if len(documents) == 1 and not is_labelme(documents[0]):
        return read_coco(documents[0])
    if of_labelme := [file for file in files_below(place, ".json") if is_labelme(file)]:
        return read_labelme(of_labelme)
    if of_coco := sorted(place.glob("annotations/*.json")):
        return _all_coco(of_coco, None)
    raise InputError(
        f"{place} has no .xml files (VOC) and no .txt files (YOLO) below it; for COCO name the "
        ".json file itself"
    )


def read_boxes(source: str) -> Annotations:
    """Read what can be cut out of pictures: boxes of single things; crowds are failures.

    Args:
        source: as `read_annotations` takes it.

    Raises:
        InputError: it does not exist, or holds no annotations.
    """
    place = Path(source).expanduser()
    if place.suffix.lower() == ".json" and place.is_file() and not is_labelme(place):
        found = read_coco(place, outlines=False)
    else:
        found = read_annotations(place)
    crowds = [entry for entry in found.entries if entry.crowd]
    found.failures += [
        Failure(source, f"an annotation marks a crowd in {entry.picture}, not one thing", source)
        for entry in crowds
    ]
    found.entries = [entry for entry in found.entries if entry.has_place and not entry.crowd]
    if not found.entries and not found.failures:
        raise InputError(f"{source} was read and has no box in it; name another source of boxes")
    return found


def _coco(place: Path, reference: Path | None) -> Annotations:
    if place.is_dir():
        documents = files_below(place, ".json")
        if not documents:
            raise InputError(f"{place} has no .json file below it, as COCO has them")
        return _all_coco(documents, reference)
    return read_coco(place, reference=reference)


def _all_coco(files: list[Path], reference: Path | None) -> Annotations:
    found = Annotations()
    for file in files:
        one = read_coco(file, reference=reference)
        found.entries += one.entries
        found.failures += one.failures
    return found


def _yolo(place: Path) -> Annotations:
    if place.suffix.lower() in (".yaml", ".yml"):
        return read_yolo_dataset(place)
    if (settings := place / "data.yaml").is_file():
        return read_yolo_dataset(settings)
    return read_yolo(place, _files(place, ".txt", "YOLO"))


def _files(place: Path, ending: str, format_name: str) -> list[Path]:
    files = [place] if place.is_file() else files_below(place, ending)
    if not files:
        raise InputError(f"{place} has no {ending} file, as {format_name} has them")
    return files


READERS: Final[dict[str, Callable[[Path], Annotations]]] = {
    "yolo": _yolo,
    "voc": lambda place: read_voc(_files(place, ".xml", "VOC")),
    "cvat": lambda place: read_cvat(_files(place, ".xml", "CVAT")[0]),
    "labelme": lambda place: read_labelme(_files(place, ".json", "LabelMe")),
    "csv": read_table,
    "parquet": read_table,
    "folder": read_picture_folders,
}
"""How each format but COCO, which may need a reference, is read."""


def read_as(format_name: str, place: Path, reference: Path | None = None) -> Annotations:
    """Read annotations in a format; `auto` finds out which by content.

    Raises:
        InputError: they are not in that format, or there are none.
        UsageError: `reference` is given for another format than COCO.
    """
    if not place.exists():
        raise InputError(f"there is no {place}; name a file or folder of annotations")
    if format_name == "coco" or (format_name == "auto" and _is_coco(place)):
        found = _coco(place, reference)
    elif reference is not None:
        raise UsageError("only COCO files of results take a reference; leave it out")
    else:
        read = read_annotations if format_name == "auto" else READERS[format_name]
        found = read(place)
    if not found.entries and not found.failures:
        raise InputError(f"{place} was read and has no annotation in it; name another source")
    return found


def _is_coco(place: Path) -> bool:
    if place.suffix.lower() != ".json" or not place.is_file():
        return False
    return not is_labelme(place)

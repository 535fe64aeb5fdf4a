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
    from collections.abc import Callable, Iterator

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["READERS", "format_of", "read_as", "read_boxes"]


def format_of(place: Path) -> str:
    """Tell by content in which of the formats of `READERS` annotations are.

    Raises:
        InputError: in none.
    """
    if place.is_dir():
        return _format_of_folder(place)
    match place.suffix.lower():
        case ".yaml" | ".yml":
            return "yolo"
        case ".json":
            return "labelme" if is_labelme(place) else "coco"
        case ".xml":
            return "cvat" if is_cvat(place) else "voc"
        case ".csv":
            return "csv"
        case ".parquet":
            return "parquet"
    raise InputError(
        f"{place} holds no annotations: give a COCO file (.json), a folder of VOC files "
        "(.xml), or a folder of YOLO labels (.txt) or its data.yaml"
    )


def _format_of_folder(place: Path) -> str:
    if files := files_below(place, ".xml"):
        return "cvat" if len(files) == 1 and is_cvat(files[0]) else "voc"
    if label_files(files_below(place, ".txt"))[0]:
        return "yolo"
    documents = sorted(place.glob("*.json"))
    if len(documents) == 1:
        return format_of(documents[0])
    if any(is_labelme(file) for file in files_below(place, ".json")):
        return "labelme"
    if any(place.glob("annotations/*.json")):
        return "coco"
    raise InputError(
        f"{place} has no .xml files (VOC) and no .txt files (YOLO) below it; for COCO name the "
        ".json file itself"
    )


def read_boxes(source: str) -> Annotations:
    """Read what can be cut out of pictures: boxes of single things; crowds are failures.

    Args:
        source: a file or folder in one of the formats that `format_of` tells.

    Raises:
        InputError: it does not exist, or holds no annotations.
    """
    place = Path(source).expanduser()
    name = format_of(place)
    said = _coco(place, outlines=False) if name == "coco" else READERS[name](place)
    found = Annotations.gathered(said)
    crowds = [entry for entry in found.entries if entry.crowd]
    found.failures += [
        Failure(source, f"an annotation marks a crowd in {entry.picture}, not one thing", source)
        for entry in crowds
    ]
    found.entries = [entry for entry in found.entries if entry.has_place and not entry.crowd]
    if not found.entries and not found.failures:
        raise InputError(f"{source} was read and has no box in it; name another source of boxes")
    return found


def _coco(place: Path, reference: Path | None = None, *, outlines: bool = True) -> Iterator[Said]:
    if place.is_dir():
        documents = sorted(place.glob("*.json")) or sorted(place.glob("annotations/*.json"))
        documents = documents or files_below(place, ".json")
        if not documents:
            raise InputError(f"{place} has no .json file below it, as COCO has them")
    else:
        documents = [place]
    for file in documents:
        yield from read_coco(file, reference=reference, outlines=outlines)


def _yolo(place: Path) -> Iterator[Said]:
    if place.suffix.lower() in (".yaml", ".yml"):
        return read_yolo_dataset(place)
    settings = place / "data.yaml"
    if settings.is_file() and not label_files(files_below(place, ".txt"))[0]:
        return read_yolo_dataset(settings)  # which may say where its labels are
    return read_yolo(place, _files(place, ".txt", "YOLO"))


def _voc(place: Path) -> Iterator[Said]:
    yield from read_voc(_files(place, ".xml", "VOC"))
    if place.is_dir():
        labels = label_files(files_below(place, ".txt"))[0]
        if beside := [file for file in labels if holds_boxes(file)]:
            yield (
                f"{counted(len(beside), 'label file of YOLO (.txt) lies')} beside the .xml files, "
                f"not read: {beside[0]}"
            )


def _labelme(place: Path) -> Iterator[Said]:
    files = _files(place, ".json", "LabelMe")
    return read_labelme(files if len(files) == 1 else filter(is_labelme, files))


def _files(place: Path, ending: str, format_name: str) -> list[Path]:
    files = [place] if place.is_file() else files_below(place, ending)
    if not files:
        raise InputError(f"{place} has no {ending} file, as {format_name} has them")
    return files


READERS: Final[dict[str, Callable[[Path], Iterator[Said]]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "voc": _voc,
    "cvat": lambda place: read_cvat(_files(place, ".xml", "CVAT")[0]),
    "labelme": _labelme,
    "csv": read_table,
    "parquet": read_table,
    "folder": read_picture_folders,
}
"""How each format is read."""


def read_as(format_name: str, place: Path, reference: Path | None = None) -> Iterator[Said]:
    """Read annotations in a format; `auto` finds out which by content.

    Raises:
        InputError: they are not in that format, or there are none; raised where the reading has
            come so far.
        UsageError: `reference` is given for another format than COCO.
    """
    if not place.exists():
        raise InputError(f"there is no {place}; name a file or folder of annotations")
    name = format_of(place) if format_name == "auto" else format_name
    if name == "coco":
        return _coco(place, reference)
    if reference is not None:
        raise UsageError("only COCO files of results take a reference; leave it out")
    return READERS[name](place)

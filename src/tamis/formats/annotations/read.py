"""Tell which format annotations are in, and read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tamis.errors import InputError, UsageError
from tamis.formats.annotations.coco import read_coco
from tamis.formats.annotations.cvat import is_cvat, read_cvat
from tamis.formats.annotations.fiftyone import is_fiftyone, read_fiftyone
from tamis.formats.annotations.hugging_face import is_hugging_face, read_hugging_face
from tamis.formats.annotations.image_folder import is_image_folder, read_image_folder
from tamis.formats.annotations.label_studio import is_label_studio, read_label_studio
from tamis.formats.annotations.labelme import is_labelme, read_labelme
from tamis.formats.annotations.picture_folders import read_picture_folders
from tamis.formats.annotations.source_annotation import Annotations
from tamis.formats.annotations.table import read_table
from tamis.formats.annotations.voc import read_voc
from tamis.formats.annotations.voc_masks import read_voc_classes
from tamis.formats.annotations.web_dataset import is_web_dataset, read_web_dataset, shards_of
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
        for name, is_one in _FOLDERS:
            if is_one(place):
                return name
        raise InputError(
            f"{place} has no .xml files (VOC) and no .txt files (YOLO) below it; for COCO name the "
            ".json file itself"
        )
    found = _ENDINGS.get(place.suffix.lower())
    if found is None:
        raise InputError(
            f"{place} holds no annotations: give a COCO file (.json), a folder of VOC files "
            "(.xml), or a folder of YOLO labels (.txt) or its data.yaml"
        )
    return found(place) if callable(found) else found


def _format_of_json(file: Path) -> str:
    if is_labelme(file):
        return "labelme"
    if file.name == "samples.json" and is_fiftyone(file.parent):
        return "fiftyone"
    return "labelstudio" if is_label_studio(file) else "coco"


_ENDINGS: Final[dict[str, str | Callable[[Path], str]]] = {
    ".yaml": "yolo",
    ".yml": "yolo",
    ".json": _format_of_json,
    ".jsonl": "imagefolder",
    ".xml": lambda file: "cvat" if is_cvat(file) else "voc",
    ".csv": lambda file: "imagefolder" if file.name == "metadata.csv" else "csv",
    ".parquet": lambda file: "imagefolder" if file.name == "metadata.parquet" else "parquet",
    ".tar": "webdataset",
}
"""The format of a file by its ending, or what tells it by content."""


def _only_document(folder: Path) -> str | None:
    documents = sorted(folder.glob("*.json"))
    return _format_of_json(documents[0]) if len(documents) == 1 else None


def _is_one_cvat(folder: Path) -> bool:
    files = files_below(folder, ".xml")
    return len(files) == 1 and is_cvat(files[0])


_FOLDERS: Final[tuple[tuple[str, Callable[[Path], bool]], ...]] = (
    ("fiftyone", is_fiftyone),
    ("huggingface", is_hugging_face),
    ("imagefolder", is_image_folder),
    ("labelstudio", lambda folder: is_label_studio(folder / "tasks.json")),
    ("cvat", _is_one_cvat),
    ("voc", lambda folder: bool(files_below(folder, ".xml"))),
    ("voc", lambda folder: (folder / "SegmentationClass").is_dir()),
    ("yolo", lambda folder: bool(label_files(files_below(folder, ".txt"))[0])),
    ("webdataset", lambda folder: any(map(is_web_dataset, shards_of(folder)))),
    ("labelstudio", lambda folder: _only_document(folder) == "labelstudio"),
    ("coco", lambda folder: _only_document(folder) == "coco"),
    ("labelme", lambda folder: any(map(is_labelme, files_below(folder, ".json")))),
    ("coco", lambda folder: any(folder.glob("annotations/*.json"))),
)
"""What tells the format of a folder; the first that does counts."""


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
    if not files_below(place, ".xml") and (place / "SegmentationClass").is_dir():
        yield from read_voc_classes(place)
        return
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


def _label_studio(place: Path, field: str | None = None) -> Iterator[Said]:
    if place.is_dir():
        tasks = place / "tasks.json"
        place = tasks if tasks.is_file() else _files(place, ".json", "Label Studio")[0]
    return read_label_studio(place, field)


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
    "labelstudio": _label_studio,
    "fiftyone": read_fiftyone,
    "imagefolder": read_image_folder,
    "huggingface": read_hugging_face,
    "webdataset": read_web_dataset,
    "yolo-classify": read_picture_folders,
    "csv": read_table,
    "parquet": read_table,
    "folder": read_picture_folders,
}
"""How each format is read."""


_WITH_FIELDS: Final[dict[str, Callable[[Path, str | None], Iterator[Said]]]] = {
    "fiftyone": read_fiftyone,
    "labelstudio": _label_studio,
    "csv": read_table,
    "parquet": read_table,
}
"""Those of which a part can be read, by its name."""


def read_as(
    format_name: str, place: Path, reference: Path | None = None, field: str | None = None
) -> Iterator[Said]:
    """Read annotations in a format; `auto` finds out which by content.

    Args:
        format_name: of `READERS`, or `auto`.
        place: the file or folder.
        reference: of COCO results, the file whose ids they use.
        field: of FiftyOne the field of labels, of Label Studio `predictions`, of a table the
            `annotation_source`.

    Raises:
        InputError: they are not in that format, or there are none; raised where the reading has
            come so far.
        UsageError: `reference` is given for another format than COCO, or `field` for one without
            fields.
    """
    if not place.exists():
        raise InputError(f"there is no {place}; name a file or folder of annotations")
    name = format_of(place) if format_name == "auto" else format_name
    if name == "coco" and field is None:
        return _coco(place, reference)
    if reference is not None:
        raise UsageError("only COCO files of results take a reference; leave it out")
    if field is not None:
        if name not in _WITH_FIELDS:
            raise UsageError(f"{name} has no fields to choose from; leave the field out")
        return _WITH_FIELDS[name](place, field)
    return READERS[name](place)

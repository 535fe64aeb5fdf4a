"""Write Pascal VOC: pictures, an XML file each, masks, and a list a split."""

from __future__ import annotations

import json
import posixpath
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from tamis.formats.exports.annotated_picture import AnnotationFormat
from tamis.formats.exports.voc_masks import labels_of, write_masks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported, Losses

__all__ = ["VocWriter"]


class VocWriter:
    """Writes `Annotations/*.xml` and `ImageSets/Main/SPLIT.txt`.

    Corners are pixels counted from 1, both inside, with decimals where a box has them. Masks, and
    outlines as masks, go to `SegmentationObject` and `SegmentationClass`, with `labelmap.txt` and
    `ImageSets/Segmentation`.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return f"JPEGImages/{picture.name}"

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        files = []
        stems: dict[str, list[str]] = {subset: [] for subset in exported.subsets}
        segmented: dict[str, list[str]] = {}
        numbers = {name: number for number, name in enumerate(exported.classes, start=1)}
        for picture in exported.annotated:
            stem = posixpath.splitext(picture.name)[0]
            stems[picture.subset].append(stem)
            file = f"Annotations/{stem}.xml"
            objects = _objects(picture, exported.losses)
            masks = write_masks(folder, picture, objects, numbers, exported.losses)
            if masks:
                segmented.setdefault(picture.subset, []).append(stem)
                files += masks
            tree = ET.ElementTree(_picture(picture, objects, segmented=bool(masks)))
            ET.indent(tree)
            tree.write(folder / file, encoding="utf-8")
            files.append(file)
        for name, lists in (("Main", stems), ("Segmentation", segmented)):
            for subset, names in lists.items():
                file = f"ImageSets/{name}/{subset or 'all'}.txt"
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text("".join(f"{one}\n" for one in names), "utf-8")
                files.append(file)
        if segmented:
            (folder / "labelmap.txt").write_text(labels_of([*numbers]), encoding="utf-8")
            files.append("labelmap.txt")
        return files


def _objects(picture: AnnotatedPicture, losses: Losses) -> list[Mapping[str, Any]]:
    """Return what VOC can hold of a picture's annotations."""
    kept = []
    for row in picture.rows:
        kind = row["kind"]
        if row.get("x") is None or row.get("label") is None or row.get("crowd"):
            losses.count("crowd" if row.get("crowd") else kind)
            continue
        if kind not in ("box", "polygon", "mask"):
            losses.count(kind, "written as the boxes around them")
        if row.get("confidence") is not None:
            losses.count(kind, "written without confidence")
        if row.get("attributes") and json.loads(row["attributes"]).keys() - _ATTRIBUTES:
            losses.count(kind, "written without attributes that VOC does not have")
        kept.append(row)
    return kept


_ATTRIBUTES = {"pose", "truncated", "difficult", "occluded"}


def _picture(
    picture: AnnotatedPicture, objects: Sequence[Mapping[str, Any]], *, segmented: bool
) -> ET.Element:
    root = ET.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", picture.name)
    size = ET.SubElement(root, "size")
    for name, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        _add(size, name, value)
    _add(root, "segmented", int(segmented))
    root.extend(map(_object, objects))
    return root


def _object(row: Mapping[str, Any]) -> ET.Element:
    thing = ET.Element("object")
    _add(thing, "name", row["label"])
    said = json.loads(row["attributes"]) if row.get("attributes") else {}
    for name in ("pose", "truncated", "difficult", "occluded"):
        if name in said or name in ("truncated", "difficult"):
            _add(thing, name, said.get(name, 0))
    box = ET.SubElement(thing, "bndbox")
    left, top = row["x"], row["y"]
    edges = {
        "xmin": left + 1,
        "ymin": top + 1,
        "xmax": left + row["width"],
        "ymax": top + row["height"],
    }
    for name, value in edges.items():
        _add(box, name, int(value) if float(value).is_integer() else round(value, 6))
    return thing


def _add(parent: ET.Element, name: str, value: object) -> None:
    ET.SubElement(parent, name).text = str(value)


FORMAT = AnnotationFormat(VocWriter)

"""Write Pascal VOC: pictures, an XML file each, and a list a split."""

from __future__ import annotations

import json
import posixpath
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["VocWriter"]


class VocWriter:
    """Writes `Annotations/*.xml` and `ImageSets/Main/SPLIT.txt`.

    Corners are pixels counted from 1, both inside, with decimals where a box has them.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return f"JPEGImages/{picture.name}"

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        (folder / "Annotations").mkdir(parents=True)
        (folder / "ImageSets" / "Main").mkdir(parents=True)
        files = []
        stems: dict[str, list[str]] = {subset: [] for subset in exported.subsets}
        for picture in exported.annotated:
            stem = posixpath.splitext(picture.name)[0]
            stems[picture.subset].append(stem)
            file = f"Annotations/{stem}.xml"
            tree = ET.ElementTree(_picture(picture, exported))
            ET.indent(tree)
            tree.write(folder / file, encoding="utf-8")
            files.append(file)
        for subset, names in stems.items():
            file = f"ImageSets/Main/{subset or 'all'}.txt"
            (folder / file).write_text("".join(f"{one}\n" for one in names), encoding="utf-8")
            files.append(file)
        return files


def _picture(picture: AnnotatedPicture, exported: Exported) -> ET.Element:
    root = ET.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", picture.name)
    size = ET.SubElement(root, "size")
    for name, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        _add(size, name, value)
    for row in picture.rows:
        kind = row["kind"]
        if row.get("x") is None or row.get("label") is None or row.get("crowd"):
            exported.losses.count("crowd" if row.get("crowd") else kind)
            continue
        if kind != "box":
            exported.losses.count(kind, "written as the boxes around them")
        if row.get("confidence") is not None:
            exported.losses.count(kind, "written without confidence")
        root.append(_object(row))
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

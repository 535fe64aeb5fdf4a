"""Pascal VOC files, one XML file a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from tamis.formats.annotations.source_annotation import (
    SourceAnnotation,
    declared_size,
    place,
    text,
)
from tamis.formats.annotations.voc_masks import ObjectMasks
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["read_voc"]

_LARGEST = 16 << 20


def read_voc(files: Iterable[Path]) -> Iterator[Said]:
    """Read the objects of VOC files: boxes, and masks where `SegmentationObject` has them.

    Corners are pixels counted from 1, both inside.
    """
    for file in files:
        try:
            root = _parsed(file)
            picture = text(root.findtext("filename") or file.stem)
        except (OSError, ValueError, LookupError, ET.ParseError) as error:
            # a LookupError is an encoding that nobody knows
            yield Failure(str(file), f"is no VOC annotation: {error}", str(file))
            continue
        size = declared_size(root.findtext("size/width"), root.findtext("size/height"))
        places = _places(file, picture)
        masks = ObjectMasks.beside(file, size)
        if isinstance(masks, str):
            yield Failure(str(file), masks, str(file))
            masks = None
        for number, thing in enumerate(root.findall("object"), start=1):
            try:
                label = text(thing.findtext("name"))
                left, top, right, bottom = (
                    float(thing.findtext(f"bndbox/{edge}") or "nan")
                    for edge in ("xmin", "ymin", "xmax", "ymax")
                )
            except ValueError as error:
                reason = f"object {number} cannot be used: {error}"
                yield Failure(str(file), reason, str(file))
                continue
            yield SourceAnnotation(
                picture=picture,
                label=label,
                left=left - 1,
                top=top - 1,
                width=right - left + 1,
                height=bottom - top + 1,
                size=size if masks is None else masks.size,
                places=places,
                fallback=file.stem,
                attributes=_attributes(thing),
                **({} if masks is None else masks.of(number)),
            )


def _attributes(thing: ET.Element) -> dict[str, Any] | None:
    """Return what a file says of an object beside its box: pose, difficult, truncated, occluded."""
    said = {part.tag: (part.text or "").strip() for part in thing if not len(part)}
    del said["name"]
    return {name: int(word) if word in ("0", "1") else word for name, word in said.items()} or None


def _places(file: Path, picture: str) -> tuple[str, ...]:
    """Return where the picture of a VOC file uses to lie; its own name is trusted first."""
    folders = ("../JPEGImages", "../images", "")
    return tuple(
        place(file.parent, folder, name) for name in (picture, file.stem) for folder in folders
    )


def _parsed(file: Path) -> ET.Element:
    content = file.read_bytes()
    if len(content) > _LARGEST:
        raise ValueError("it is larger than 16 MiB")
    if b"\0" in content:
        raise ValueError("it is not written in UTF-8")
    if b"<!DOCTYPE" in content.upper() or b"<!ENTITY" in content.upper():
        raise ValueError("it declares entities, which could blow up")
    root = ET.fromstring(content)  # noqa: S314 - without declarations nothing expands
    if root.tag != "annotation":
        raise ValueError(f"its root is <{root.tag}>, not <annotation>")
    return root

"""Boxes of Pascal VOC files, one XML file a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from tamis.data.annotations.boxes import Annotations, BoxAnnotation
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["read_voc"]

_LARGEST = 16 << 20


def read_voc(files: Iterable[Path]) -> Annotations:
    """Read the boxes of VOC files. Their corners are pixels counted from 1, both inside."""
    found = Annotations()
    for file in files:
        try:
            root = _parsed(file)
        except (OSError, ValueError, ET.ParseError) as error:
            found.failures.append(Failure(str(file), f"is no VOC annotation: {error}"))
            continue
        picture = root.findtext("filename") or file.stem
        width, height = (root.findtext(f"size/{side}") or "0" for side in ("width", "height"))
        for number, thing in enumerate(root.iter("object")):
            try:
                left, top, right, bottom = (
                    float(thing.findtext(f"bndbox/{edge}") or "nan")
                    for edge in ("xmin", "ymin", "xmax", "ymax")
                )
                size = (int(float(width)), int(float(height)))
            except ValueError as error:
                found.failures.append(
                    Failure(str(file), f"object {number} cannot be used: {error}")
                )
                continue
            found.boxes.append(
                BoxAnnotation(
                    picture=picture,
                    label=(thing.findtext("name") or "").strip() or None,
                    left=left - 1,
                    top=top - 1,
                    width=right - left + 1,
                    height=bottom - top + 1,
                    size=size if all(size) else None,
                )
            )
    return found


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

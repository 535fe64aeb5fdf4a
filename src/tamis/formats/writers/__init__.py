"""Formats of pictures with annotations, as they are written: one file each, found by its name.

`coco.py` is the format `coco`, `yolo_classify.py` is `yolo-classify`; `FORMAT` in it says how it is
written. Naming formats reads the folder and loads none of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamis.formats.exports.annotated_picture import AnnotationFormat

__all__ = ["WRITERS", "format_named"]

WRITERS: Final = tuple(
    sorted(file.stem.replace("_", "-") for file in Path(__file__).parent.glob("[a-z]*.py"))
)
"""Their names."""


@cache
def format_named(name: str) -> AnnotationFormat:
    """Load a format.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in WRITERS:
        raise KeyError(name)
    found: AnnotationFormat = import_module(f"{__name__}.{name.replace('-', '_')}").FORMAT
    return found

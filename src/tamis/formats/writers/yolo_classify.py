"""Write a classification dataset as ultralytics and torchvision read it: a folder per class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.formats.exports.annotated_picture import AnnotationFormat
from tamis.formats.exports.names import safe_name

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["YoloClassifyWriter"]


class YoloClassifyWriter:
    """Puts pictures into `SPLIT/CLASS/`, into `train/CLASS/` without splits.

    There are no files of annotations. A picture has one class, the likeliest of several.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str | None:
        """See `AnnotationWriter`."""
        if picture.label is None:
            return None
        return f"{picture.subset or 'train'}/{safe_name(picture.label)}/{picture.name}"

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        del folder
        for picture in exported.annotated:
            kept = False
            for row in picture.rows:
                if row["kind"] != "classification":
                    exported.losses.count(row["kind"])
                elif kept or row["label"] != picture.label:
                    exported.losses.count("classification", "left out, beside a likelier one")
                else:
                    kept = True
                    if row.get("confidence") is not None:
                        exported.losses.count("classification", "written without confidence")
                    if safe_name(row["label"]) != row["label"]:
                        exported.losses.count("classification", "written under another name")
        return []


FORMAT = AnnotationFormat(YoloClassifyWriter, is_folders=True)

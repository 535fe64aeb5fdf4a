"""Write an image folder as Hugging Face `datasets` reads it: pictures beside `metadata.jsonl`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tamis.formats.exports.annotated_picture import AnnotationFormat
from tamis.formats.exports.records import Records

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["ImageFolderWriter"]


class ImageFolderWriter:
    """Writes `SPLIT/metadata.jsonl`, a record (see `records`) a picture with its `file_name`."""

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`."""
        return "/".join(part for part in (picture.subset, picture.name) if part)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        records = Records(exported)
        files: dict[str, str] = {}
        with ExitStack() as stack:
            streams: dict[str, IO[str]] = {}
            for subset in exported.subsets:
                file = "/".join(part for part in (subset, "metadata.jsonl") if part)
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                files[subset] = file
                streams[subset] = stack.enter_context((folder / file).open("w", encoding="utf-8"))
            for picture in exported.annotated:
                record = {"file_name": picture.name, **records.of(picture)}
                line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
                streams[picture.subset].write(f"{line}\n")
        return list(files.values())


FORMAT = AnnotationFormat(ImageFolderWriter)

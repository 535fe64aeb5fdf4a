"""Rows of parts of pictures: cut, measured, and linked to their picture."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.parts import BOX_COLUMNS, part_id
from tamis.errors import PictureError
from tamis.images.decode import decode
from tamis.images.picture_record import examine_image
from tamis.sources.image_reference import ImageReference
from tamis.sources.reading import read_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.parts import Box, PartKind
    from tamis.images.decode import Decoded

__all__ = ["COLUMNS_OF_PICTURES", "part_row", "upright_picture"]

_INHERITED: Final = (
    "source", "content_hash", "captured_at", "latitude", "longitude", "camera", "split",
)  # fmt: skip

COLUMNS_OF_PICTURES: Final = ("sample_id", "path", "uri", "orientation", "label", *_INHERITED)
"""What has to be known of a picture to cut parts of it."""


def upright_picture(row: Mapping[str, Any]) -> Decoded:
    """Read the picture of a row.

    Raises:
        PictureError: it cannot be read, or is not the one that was added.
    """
    data, content = read_content(row["uri"], row["path"])
    if content != row["content_hash"]:
        raise PictureError(row["path"], "the file has changed since it was added; add it again")
    return decode(data, row["path"])


def part_row(
    picture: Decoded, row: Mapping[str, Any], kind: PartKind, box: Box, label: str | None
) -> dict[str, Any]:
    """Return a part of a picture as a row of the dataset.

    Args:
        picture: all of it, upright.
        row: the picture's `COLUMNS_OF_PICTURES`.
        kind: what the part is.
        box: where it lies, inside of the picture.
        label: what it shows.
    """
    record = examine_image(
        picture.image.crop(box.corners), format=picture.format, captured_at=row["captured_at"]
    )
    return {
        **asdict(replace(record, camera=row["camera"])),
        **{column: row[column] for column in _INHERITED},
        "sample_id": part_id(row["sample_id"], kind, box, label),
        "path": str(ImageReference(row["path"], part=box)),
        "uri": row["uri"],
        "label": label,
        "added_at": datetime.now(UTC),
        "kind": kind,
        "parent_id": row["sample_id"],
        **dict(zip(BOX_COLUMNS, (box.x, box.y, box.width, box.height), strict=True)),
    }

"""The samples of a dataset, as far as a search for duplicates needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tamis.dataset import samples as view
from tamis.dataset.columns import Column
from tamis.dataset.content_order import content_key
from tamis.dataset.parts import BOX_COLUMNS, box_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.images.box import Box
    from tamis.types import Indices

__all__ = ["Place", "Samples"]

_READ = (
    "sample_id",
    "path",
    "uri",
    "width",
    "height",
    "captured_at",
    "camera",
    "bytes",
    "content_hash",
    "phash",
    "label",
)


class Place(NamedTuple):
    """Where the pixels of a sample lie; what `tamis.runtime.decoded_rows` asks of a row."""

    path: str
    uri: str
    content_hash: str
    box: Box | None


@dataclass(frozen=True)
class Samples:
    """Samples in the order of their content, and what is known of each.

    The order is that of `tamis.dataset.content_order`, so that what chance draws, who is left and
    who is right, and what goes first of equals do not change with names and folders.

    Attributes:
        ids: sample ids.
        places: where the pixels lie.
        widths: pixels, upright; of a part its own.
        heights: pixels.
        bytes: of the file.
        exif: how much the camera left in the file: 0, 1 (time or camera) or 2.
        captured: by the camera, seconds since 1970; NaN if unknown.
        labeled: whether there is a label.
        hashes: perceptual hashes.
        hashed: whether there is one.
        shown: whether there is a thumbnail.
        elsewhere: how many of these are marked as duplicates of a sample that is not among them.
    """

    ids: list[str]
    places: list[Place]
    widths: Indices
    heights: Indices
    bytes: Indices
    exif: Indices
    captured: NDArray[np.float64]
    labeled: NDArray[np.bool_]
    hashes: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    elsewhere: int

    @classmethod
    def read(cls, store: Store, where: str | None = None) -> Samples:
        """Read the whole pictures, or what fulfils an SQL condition.

        Raises:
            UsageError: `where` is no condition over the columns.
        """
        found = view.Samples(store).of(where)
        rows = found.table(*_READ, *BOX_COLUMNS, Column.DUPLICATE_OF).to_pylist()
        rows.sort(key=content_key)
        shown = set(found.having(Column.THUMBNAIL).ids)
        ids = [row["sample_id"] for row in rows]
        known = set(ids)
        return cls(
            ids=ids,
            places=[
                Place(row["path"] or "", row["uri"] or "", row["content_hash"] or "", box_of(row))
                for row in rows
            ],
            widths=np.array([row["width"] or 0 for row in rows], np.int64),
            heights=np.array([row["height"] or 0 for row in rows], np.int64),
            bytes=np.array([row["bytes"] or 0 for row in rows], np.int64),
            exif=np.array(
                [(row["captured_at"] is not None) + (row["camera"] is not None) for row in rows],
                np.int64,
            ),
            captured=np.array(
                [np.nan if row["captured_at"] is None else _seconds(row) for row in rows],
                np.float64,
            ),
            labeled=np.array([row["label"] is not None for row in rows], np.bool_),
            hashes=np.array([row["phash"] or 0 for row in rows], np.int64).view(np.uint64),
            hashed=np.array([row["phash"] is not None for row in rows], np.bool_),
            shown=np.array([name in shown for name in ids], np.bool_),
            elsewhere=sum(
                row["duplicate_of"] is not None and row["duplicate_of"] not in known for row in rows
            ),
        )

    def equals(self) -> list[list[int]]:
        """Return the rows whose pixels are equal for certain: equal files, and equal boxes there.

        Parts share the hash of their picture's file, which tells nothing without the box.
        """
        rows: dict[tuple[str, Box | None], list[int]] = {}
        for row, place in enumerate(self.places):
            if place.content_hash:
                rows.setdefault((place.content_hash, place.box), []).append(row)
        return [equal for equal in rows.values() if len(equal) > 1]

    def path(self, row: int) -> str:
        """Return the path as the user gave it; of a part with its box."""
        return self.places[row].path


def _seconds(row: dict[str, Any]) -> float:
    moment = row["captured_at"]
    return float(np.datetime64(moment, "us").astype(np.int64)) / 1e6

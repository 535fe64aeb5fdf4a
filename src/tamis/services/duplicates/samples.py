"""The samples of a dataset, as far as a search for duplicates needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.data.parts import whole_pictures
from tamis.data.presence import gone_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.data.store import Store
    from tamis.types import Indices

__all__ = ["Samples"]


@dataclass(frozen=True)
class Samples:
    """All samples, by sample id; `order` is from the best to keep to the worst."""

    ids: list[str]
    paths: list[str]
    order: Indices
    best_equal: Indices
    hashes: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    long_side: Indices

    @classmethod
    def read(cls, store: Store) -> Samples:
        """Read all whole pictures, and rank them: those that are gone after all present ones."""
        names = ["sample_id", "path", "width", "height", "sharpness", "captured_at", "camera"]
        whole = whole_pictures(store.columns(), None)
        names += ["bytes", "content_hash", "phash"]
        table = store.read(names, whole).sort_by("sample_id")
        with_thumbnail = store.read(["sample_id"], "thumbnail IS NOT NULL").column("sample_id")
        shown = set(with_thumbnail.to_pylist())
        rows = table.to_pylist()
        gone = gone_ids(store, whole)
        quality = []
        for number, row in enumerate(rows):
            pixels = (row["width"] or 0) * (row["height"] or 0)
            sharp = round(np.log2(max(row["sharpness"] or 0.0, 1.0)) / 2)
            original = (row["captured_at"] is not None) + (row["camera"] is not None)
            path = row["path"] or ""
            vanished, size = row["sample_id"] in gone, row["bytes"] or 0
            quality.append((vanished, -pixels, -sharp, -original, -size, path, number))
        order = np.array([entry[-1] for entry in sorted(quality)], np.int64)
        first: dict[str, int] = {}
        best_equal = np.arange(len(rows))
        for number in order.tolist():
            content = rows[number]["content_hash"]
            if content is not None:
                best_equal[number] = first.setdefault(content, number)
        return cls(
            ids=[row["sample_id"] for row in rows],
            paths=[row["path"] or "" for row in rows],
            order=order,
            best_equal=best_equal,
            hashes=np.array([row["phash"] or 0 for row in rows], np.int64).view(np.uint64),
            hashed=np.array([row["phash"] is not None for row in rows], np.bool_),
            shown=np.array([row["sample_id"] in shown for row in rows], np.bool_),
            long_side=np.array(
                [max(row["width"] or 1, row["height"] or 1) for row in rows], np.int64
            ),
        )

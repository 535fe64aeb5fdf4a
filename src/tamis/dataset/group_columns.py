"""Columns of a dataset read as groups: which samples share a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.components import join_groups
from tamis.algo.splits import split_targets
from tamis.algo.splits.shared_views import shared_views
from tamis.dataset.columns import Column
from tamis.dataset.log_reading import last, told
from tamis.dataset.operations import DuplicatesFound, PicturesAdded
from tamis.dataset.samples import Samples
from tamis.errors import UsageError

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.types import Indices

__all__ = ["DuplicateColumns", "codes_of", "duplicate_columns", "last_duplicates"]


@dataclass(frozen=True)
class DuplicateColumns:
    """What tells copies and changed versions, as groups: `[N]` numbers, -1 is none.

    Attributes:
        copies: by column, the group of each sample whose members are copies of each other.
        changed: groups of copies and changed versions; None if they were not marked.
        hashes: groups of equal perceptual hashes; None where duplicates were marked.
        marked: duplicates were looked for and marked.
        stale: samples were added after that.
    """

    copies: dict[str, Indices]
    changed: Indices | None
    hashes: Indices | None
    marked: bool
    stale: bool

    def held_out(self) -> Indices:
        """Return groups that must not be both trained on and measured on.

        They are copies, equal perceptual hashes where no marks are, and changed versions where
        those are rare (`tamis.algo.splits.shared_views`).
        """
        hashes = [] if self.hashes is None else [self.hashes]
        copies = join_groups([*self.copies.values(), *hashes])
        if self.changed is None:
            return copies
        with_changed = join_groups([copies, self.changed])
        halves = split_targets(len(copies), [0.5, 0.5])
        return with_changed if shared_views(copies, with_changed, halves) == "no" else copies


def codes_of(store: Store, column: str, ids: list[str]) -> Indices:
    """Return a number for each sample's value in a column, equal for equal values; -1 for null.

    Numbers follow the order of the values, so they do not depend on that of the samples.

    Raises:
        UsageError: the column is unknown, or holds lists, vectors or binary data.
    """
    values = store.read([column], ids=ids).column(column)
    if pa.types.is_nested(values.type) or pa.types.is_large_binary(values.type):
        raise UsageError(
            f"{column!r} holds {values.type}, which cannot group pictures: name a column of "
            "text, numbers or times"
        )
    distinct = pc.unique(values).drop_null()
    ordered = distinct.take(pc.sort_indices(distinct))
    codes = pc.fill_null(pc.index_in(values, value_set=ordered), -1)
    numbers: Indices = codes.to_numpy().astype(np.int64)
    return numbers


def duplicate_columns(store: Store, ids: list[str]) -> DuplicateColumns:
    """Read which samples are duplicates: identical files, and marks or else perceptual hashes."""
    view = Samples(store)
    marked = view.has(Column.DUPLICATE_GROUP)
    names = [Column.CONTENT_HASH, *([Column.DUPLICATE_GROUP] if marked else [])]
    return DuplicateColumns(
        copies={name: codes_of(store, name, ids) for name in names},
        changed=codes_of(store, Column.CHANGED_GROUP, ids)
        if view.has(Column.CHANGED_GROUP)
        else None,
        hashes=None if marked else codes_of(store, Column.PHASH, ids),
        marked=marked,
        stale=marked and _added_since_duplicates(store),
    )


def last_duplicates(store: Store) -> DuplicatesFound | None:
    """Return what the last operation that marked duplicates found; None if there is none."""
    return last(store.log(), DuplicatesFound)


def _added_since_duplicates(store: Store) -> bool:
    """Tell whether samples were added after the last operation that marked duplicates."""
    for entry in reversed(store.log()):
        if entry.state == "undone":
            continue
        if told(entry, DuplicatesFound):
            return False
        added = told(entry, PicturesAdded)
        if added and added.added:
            return True
    return False

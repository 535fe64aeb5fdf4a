"""One state of the dataset with its tables opened at the versions that the snapshot names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis.dataset.fragments import TableVersion
from tamis.dataset.sample_keys import SampleKeys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.layout import Layout
    from tamis.dataset.snapshots import Snapshot

__all__ = ["State"]


@dataclass(frozen=True)
class State:
    """A snapshot and its tables.

    Attributes:
        snapshot: the snapshot.
        samples: its version of `samples`.
        failed: its version of `failed`.
        keys: the sample ids of `samples`.
    """

    snapshot: Snapshot
    samples: TableVersion
    failed: TableVersion
    keys: SampleKeys

    @classmethod
    def open(cls, layout: Layout, snapshot: Snapshot, last: State | None = None) -> State:
        """Open the tables of a snapshot; tables and keys that `last` has already are reused."""
        if last and last.snapshot.after == snapshot.after:
            return cls(snapshot, last.samples, last.failed, last.keys)
        versions = snapshot.after
        samples = TableVersion.open(layout.table("samples"), versions["samples"])
        failed = TableVersion.open(layout.table("failed"), versions["failed"])
        return cls(
            snapshot, samples, failed, SampleKeys(samples, last.keys.by_file if last else None)
        )

    @property
    def tables(self) -> Mapping[str, TableVersion]:
        """The tables by name."""
        return {"samples": self.samples, "failed": self.failed}

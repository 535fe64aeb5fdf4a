"""One state of the dataset with its tables opened at the versions that the snapshot names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from tamis.dataset.fragments import TableVersion
from tamis.dataset.labels_as_annotations import LabelsAsAnnotations
from tamis.dataset.sample_keys import SampleKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        annotations: its version of `annotations`; None before the first annotation.
    """

    snapshot: Snapshot
    samples: TableVersion
    failed: TableVersion
    keys: SampleKeys
    annotations: TableVersion | None = None

    @classmethod
    def open(cls, layout: Layout, snapshot: Snapshot, last: State | None = None) -> State:
        """Open the tables of a snapshot; tables and keys that `last` has already are reused."""
        if last and last.snapshot.after == snapshot.after:
            return cls(snapshot, last.samples, last.failed, last.keys, last.annotations)
        versions = snapshot.after
        samples = TableVersion.open(layout.table("samples"), versions["samples"])
        failed = TableVersion.open(layout.table("failed"), versions["failed"])
        keys = SampleKeys(samples, last.keys.by_file if last else None)
        version = versions.get("annotations")
        table = layout.table("annotations")
        annotations = None if version is None else TableVersion.open(table, version)
        return cls(snapshot, samples, failed, keys, annotations)

    @property
    def tables(self) -> Mapping[str, TableVersion]:
        """The tables by name."""
        tables = {"samples": self.samples, "failed": self.failed}
        return tables | ({"annotations": self.annotations} if self.annotations else {})

    @cached_property
    def _labels(self) -> LabelsAsAnnotations:
        return LabelsAsAnnotations(self.samples, self.annotations)

    def read_annotations(self, columns: Sequence[str], condition: str | None = None) -> pa.Table:
        """Return annotations: labels that no row says, and the rows in the order they came."""
        labels = self._labels.read(columns, condition)
        if self.annotations is None:
            return labels
        stored = self.annotations.read(columns, condition)
        return pa.concat_tables([labels, stored]) if labels.num_rows else stored

    def annotated(self, condition: str) -> str:
        """Return an SQL condition on samples: that one of its annotations meets `condition`."""
        found = self.read_annotations(["sample_id"], condition).column("sample_id").unique()
        quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in found.to_pylist())
        return f"(`sample_id` IN ({quoted}))" if quoted else "FALSE"

    def returned(self, versions: Mapping[str, int]) -> dict[str, TableVersion]:
        """New versions of the tables with the content that they had at earlier versions.

        A table that did not exist then is empty: its older versions are still needed by snapshots.
        """
        return {
            name: table.restored(versions[name]) if name in versions else table.without("true")
            for name, table in self.tables.items()
        }

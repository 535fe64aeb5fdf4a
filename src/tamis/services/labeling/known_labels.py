"""Pictures with vectors, the labels that some have, and which are near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.components import join_groups
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import duplicate_columns
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.types import Indices, Vectors

__all__ = ["KnownLabels", "known_labels", "near_duplicates"]

_LEAST = 2


@dataclass(frozen=True)
class KnownLabels:
    """Pictures in the order of their ids, and what is known of them.

    Attributes:
        ids: `[N]` sample ids.
        paths: `[N]`.
        vectors: `[N, D]` unit vectors.
        rows: `[S]` rows that have a label, ascending.
        labels: `[S]` their labels.
        groups: `[N]` groups of near-duplicates; a row without any is alone in its own.
        encoder: spec of the encoder.
    """

    ids: list[str]
    paths: list[str]
    vectors: Vectors
    rows: Indices
    labels: NDArray[np.str_]
    groups: Indices
    encoder: str

    def labeled(self) -> KnownLabels:
        """Return those that have a label."""
        return self.labeled_of(np.arange(self.rows.size))

    def labeled_of(self, places: Indices) -> KnownLabels:
        """Return some of those that have a label, by their places in `rows`."""
        rows = self.rows[places]
        return KnownLabels(
            ids=[self.ids[row] for row in rows.tolist()],
            paths=[self.paths[row] for row in rows.tolist()],
            vectors=self.vectors[rows],
            rows=np.arange(rows.size),
            labels=self.labels[places],
            groups=self.groups[rows],
            encoder=self.encoder,
        )


def known_labels(workspace: Workspace, where: str | None, encoder: str | None) -> KnownLabels:
    """Read the pictures that have a vector, with their labels.

    Near-duplicates are identical files and what `duplicates` marked as copies, or equal perceptual
    hashes where nothing is marked.

    Raises:
        UsageError: there are no such vectors, or the labels are of fewer than two classes.
    """
    column = workspace.vector_column(encoder)
    embedded = workspace.samples.of(where).vectors(column)
    table = workspace.samples.rows([Column.PATH, Column.LABEL], embedded.ids)
    labels = table.column(Column.LABEL).to_pylist()
    rows = [row for row, label in enumerate(labels) if label]
    names = np.array([labels[row] for row in rows], dtype=np.str_)
    classes = np.unique(names)
    if classes.size < _LEAST:
        only = f", all of them {str(classes[0])!r}" if classes.size else ""
        raise UsageError(
            f"{len(rows)} of {len(labels)} pictures with a vector have a label{only}; label "
            "pictures of at least two classes:  tamis label set CLASS --where SQL"
        )
    return KnownLabels(
        ids=embedded.ids,
        paths=table.column(Column.PATH).to_pylist(),
        vectors=embedded.vectors,
        rows=np.array(rows, dtype=np.int64),
        labels=names,
        groups=near_duplicates(workspace, embedded.ids),
        encoder=column.spec,
    )


def near_duplicates(workspace: Workspace, ids: list[str]) -> Indices:
    """Return the group of each picture: identical files and what `duplicates` marked as copies.

    Where nothing is marked, equal perceptual hashes; a picture without any is alone in its own.
    """
    known = duplicate_columns(workspace.store, ids)
    hashes = [] if known.hashes is None else [known.hashes]
    return join_groups([*known.copies.values(), *hashes])

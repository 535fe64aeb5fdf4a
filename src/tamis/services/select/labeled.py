"""The pictures of a dataset with what is known of their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.components import join_groups
from tamis.algo.near_components import near_components
from tamis.algo.near_threshold import FEW_ROWS_THRESHOLD, near_threshold
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import duplicate_columns
from tamis.dataset.samples import Samples
from tamis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices, Vectors

__all__ = ["LabeledSamples", "near_duplicate_groups", "read_labeled"]


@dataclass(frozen=True)
class LabeledSamples:
    """Samples that have a vector, by sample id.

    Attributes:
        column: the vector column.
        ids: `[N]` sample ids, ascending.
        vectors: `[N, D]` float32 unit vectors.
        labels: `[N]` labels as text; empty where there is none.
        test: `[N]` bool, in the split `test`.
        aside: `[N]` bool, in any split other than `train`: neither picked nor learned from.
    """

    column: str
    ids: list[str]
    vectors: Vectors
    labels: NDArray[np.str_]
    test: NDArray[np.bool_]
    aside: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """`[N]` bool, whether a sample has a label."""
        known: NDArray[np.bool_] = self.labels != ""
        return known


def read_labeled(
    store: Store,
    label_column: str,
    *,
    column: str,
    where: str | None = None,
) -> LabeledSamples:
    """Read the samples that meet a condition, and all that have a label, without duplicates.

    Args:
        store: the dataset.
        label_column: holds the labels; text, numbers or booleans.
        column: vector column.
        where: SQL condition on samples without a label.

    Raises:
        UsageError: a column is unknown or cannot hold labels, or `where` is no condition.
    """
    view = Samples(store)
    if not view.has(label_column):
        present = [name for name in view.narrow_columns() if not name.startswith("error_")]
        raise UsageError(
            f"there is no column {label_column!r} to read labels from; the dataset has "
            f"{', '.join(present)}"
        )
    asked, everything = view.of(where), view.of(kind=view.kind_of(where))
    known = asked.either(everything.having(label_column))
    samples = known.lacking(Column.DUPLICATE_OF).vectors(column)
    marks = store.read(list(dict.fromkeys([label_column, "split"])), ids=samples.ids)
    values = marks.column(label_column)
    if pa.types.is_nested(values.type) or pa.types.is_large_binary(values.type):
        raise UsageError(
            f"{label_column!r} holds {values.type}, which cannot be labels: name a column of "
            "text, numbers or booleans"
        )
    labels = values.cast(pa.string()).fill_null("").to_pylist()
    splits = np.array(marks.column("split").fill_null("").to_pylist(), np.str_)
    return LabeledSamples(
        column=samples.column,
        ids=samples.ids,
        vectors=samples.vectors,
        labels=np.array(labels, np.str_),
        test=splits == "test",
        aside=(splits != "") & (splits != "train"),
    )


def near_duplicate_groups(
    store: Store, samples: LabeledSamples, rng: np.random.Generator
) -> Indices:
    """Return a number `[N]` for each sample, equal for near-duplicates.

    Identical files, and the marks of `tamis duplicates`, of changed versions too where they are
    rare; where it was not run, equal perceptual hashes and vectors nearer than different pictures
    of this dataset are.
    """
    duplicates = duplicate_columns(store, samples.ids)
    columns = [duplicates.held_out()]
    if not duplicates.marked:
        threshold = near_threshold(samples.vectors, rng=np.random.default_rng(0))
        if threshold is None:
            threshold = FEW_ROWS_THRESHOLD
        columns.append(near_components(samples.vectors, threshold, rng=rng).labels)
    return join_groups(columns)

"""The pictures of a dataset, with their labels where they have one."""

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
from tamis.sources.split_names import split_role
from tamis.wording import meant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.services.select.contract import Select
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
        test: `[N]` bool, in a split to test on.
        aside: `[N]` bool, in any split but those to train on: neither picked nor learned from.
        notes: which splits these are, where their names are not `train` and `test`.
    """

    column: str
    ids: list[str]
    vectors: Vectors
    labels: NDArray[np.str_]
    test: NDArray[np.bool_]
    aside: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """`[N]` bool, whether a sample has a label."""
        known: NDArray[np.bool_] = self.labels != ""
        return known


def read_labeled(
    store: Store, request: Select, *, column: str, where: str | None = None
) -> LabeledSamples:
    """Read the samples that meet a condition, and all that have a label, without duplicates.

    Args:
        store: the dataset.
        request: says which column holds the labels, and which splits to train and test on.
        column: vector column.
        where: SQL condition on samples without a label.

    Raises:
        UsageError: a column is unknown or cannot hold labels, `where` is no condition, or nothing
            tells what the splits are for.
    """
    view, label_column = Samples(store), request.label_column
    if not view.has(label_column):
        present = [name for name in view.narrow_columns() if not name.startswith("error_")]
        raise UsageError(
            f"there is no column {label_column!r} to read labels from; "
            f"{meant(label_column, present)}"
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
    train, test = _roles(sorted(set(splits.tolist()) - {""}), request)
    return LabeledSamples(
        column=samples.column,
        ids=samples.ids,
        vectors=samples.vectors,
        labels=np.array(labels, np.str_),
        test=np.isin(splits, test),
        aside=(splits != "") & ~np.isin(splits, train),
        notes=_told(train, test),
    )


def _roles(names: list[str], request: Select) -> tuple[list[str], list[str]]:
    """Return which splits to pick and learn from, and which to test on."""
    for given in (*request.train_split, *request.test_split):
        if given not in names:
            found = f"the splits are {', '.join(names)}" if names else "no picture has a split"
            raise UsageError(f"there is no split {given!r}; {found}")
    both = set(request.train_split) & set(request.test_split)
    if both:
        raise UsageError(f"the split {both.pop()!r} is given to train and to test on; choose one")
    free = [name for name in names if name not in {*request.train_split, *request.test_split}]
    roles = {name: split_role(name) for name in free}
    train = list(request.train_split) or [name for name in free if roles[name] == "train"]
    test = list(request.test_split) or [name for name in free if roles[name] == "test"]
    test = test or [name for name in free if roles[name] == "val"]
    strange = [name for name in free if roles[name] is None and name not in train]
    if strange and not train:
        raise UsageError(
            f"the splits are {', '.join(names)}, and no name tells which one to pick and learn "
            "from: name it with --train-split, and with --test-split the one to test on"
        )
    return train, test


def _told(train: list[str], test: list[str]) -> tuple[str, ...]:
    if set(train) <= {"train"} and set(test) <= {"test"}:
        return ()
    picked = " and ".join(train) or "pictures without a split"
    tested = f"the accuracy is that on {' and '.join(test)}" if test else "no split is to test on"
    return (f"picked and learned from is {picked}; {tested} (--train-split, --test-split)",)


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

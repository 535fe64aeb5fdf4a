"""What a probe is fitted to: vectors of one or several encoders, and what must stay apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.components import join_groups
from tamis.algo.joined_vectors import join_vectors
from tamis.dataset.columns import Column
from tamis.dataset.group_columns import codes_of, duplicate_columns
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.samples import SampleSet
    from tamis.dataset.schema import VectorColumn
    from tamis.runtime.workspace import Workspace
    from tamis.services.probe.contract import TrainProbe
    from tamis.types import Indices, Vectors

__all__ = ["TrainingRows", "joined_rows", "training_rows"]

_SLICED = (Column.SPLIT, Column.CLUSTER, Column.CAMERA)


@dataclass(frozen=True)
class TrainingRows:
    """Pictures with vectors, in the order of their ids.

    Attributes:
        ids: `[N]` sample ids.
        columns: whose vectors they are.
        parts: unit vectors `[N, D]` of each.
        test: `[N]` which are measured on and never fitted on.
        groups: `[N]` rows of one group are never both fitted on and measured on.
        folds: `[N]` numbers of the folds that `tamis split --folds` marked; None if not asked for.
        slices: columns of values to report by, without those that are empty.
    """

    ids: list[str]
    columns: tuple[VectorColumn, ...]
    parts: tuple[Vectors, ...]
    test: NDArray[np.bool_]
    groups: Indices
    folds: Indices | None
    slices: dict[str, NDArray[Any]]

    @property
    def vectors(self) -> Vectors:
        """`[N, D]` unit vectors, of all encoders beside each other."""
        return self.parts[0] if len(self.parts) == 1 else join_vectors(self.parts)

    @property
    def fitted(self) -> Indices:
        """Rows that may be fitted on."""
        return np.flatnonzero(~self.test)

    def folds_of(self, rows: Indices) -> Indices | None:
        """Return the folds of some rows."""
        return None if self.folds is None else self.folds[rows]


def training_rows(
    workspace: Workspace, request: TrainProbe, wanted: Sequence[str] | str
) -> TrainingRows:
    """Read the pictures to learn from.

    Args:
        workspace: the dataset.
        request: which pictures, whose vectors, and what to keep apart.
        wanted: the ids that have something to learn, or the column that holds it.

    Raises:
        UsageError: there are no such vectors or columns, or no picture has a fold.
    """
    columns = tuple(map(workspace.vector_column, request.encoder)) or (workspace.vector_column(),)
    if len({column.name for column in columns}) < len(columns):
        raise UsageError("the same vectors are named twice; name each encoder once")
    samples = workspace.samples.of(request.where)
    if isinstance(wanted, str):
        samples = samples.having(wanted)
    ids, parts = joined_rows(samples, columns)
    if not isinstance(wanted, str):
        kept = np.flatnonzero(np.isin(np.asarray(ids, np.str_), np.asarray(wanted, np.str_)))
        ids, parts = [ids[row] for row in kept.tolist()], [part[kept] for part in parts]
    names = list(dict.fromkeys([*_SLICED, *request.slices]))
    told = workspace.samples.rows(names, ids)
    of_split = told.column(Column.SPLIT).to_pylist()
    groups = duplicate_columns(workspace.store, ids).held_out()
    if request.group is not None:
        groups = join_groups([groups, codes_of(workspace.store, request.group, ids)])
    slices = {name: np.array(told.column(name).to_pylist(), dtype=object) for name in names}
    return TrainingRows(
        ids=ids,
        columns=columns,
        parts=tuple(parts),
        test=np.array([one == request.test_split for one in of_split], bool),
        groups=groups,
        folds=_folds(workspace, ids) if request.folds else None,
        slices={
            str(name): values
            for name, values in slices.items()
            if any(value is not None for value in values.tolist())
        },
    )


def joined_rows(
    samples: SampleSet, columns: Sequence[VectorColumn]
) -> tuple[list[str], list[Vectors]]:
    """Return the samples that have a vector in each column, and these vectors."""
    found = [samples.vectors(column) for column in columns]
    names = [np.asarray(each.ids, np.str_) for each in found]
    common = names[0]
    for more in names[1:]:
        common = np.intersect1d(common, more, assume_unique=True)
    parts = [
        each.vectors[np.searchsorted(own, common)] for each, own in zip(found, names, strict=True)
    ]
    return common.tolist(), parts


def _folds(workspace: Workspace, ids: list[str]) -> Indices:
    there = workspace.samples.has(Column.FOLD)
    marked = workspace.samples.rows([Column.FOLD], ids).column(0).to_pylist() if there else []
    if all(one is None for one in marked):
        raise UsageError("no picture has a fold: run  tamis split --folds K  first")
    return np.array([-1 if one is None else one for one in marked], np.int64)

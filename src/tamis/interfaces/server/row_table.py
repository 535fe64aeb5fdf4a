"""The rows of a snapshot in memory, as columns of small numbers: what filters and counts read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.columns import Column, equal, known
from tamis.dataset.label_sets import classes_in
from tamis.errors import UsageError
from tamis.runtime.picture_map import map_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.operations import MapMade
    from tamis.dataset.samples import Samples
    from tamis.dataset.schema import VectorColumn
    from tamis.interfaces.server.point_map import MapKey, PointMap

__all__ = ["OBJECTS", "Numbers", "RowTable", "Words", "annotation_condition", "layer_column"]

Mask: TypeAlias = "NDArray[np.bool_]"

OBJECTS: Final = "objects"
"""Stands for a column of lists: the classes of the objects that a picture's annotations mark."""

_LAYER: Final = "layer:"
_ASPECT_STEPS: Final = 32
_ASPECT_ZERO: Final = 128
_MOST_WHOLE: Final = 2**53 - 1
"""The largest whole number that every float64 below it tells from the next."""


def layer_column(layer: str) -> str:
    """Return what stands for a column of the classes that a layer gives to pictures."""
    return f"{_LAYER}{layer}"


def annotation_condition(name: str) -> str:
    """Return the SQL condition on annotations that a column made of them stands for.

    >>> annotation_condition(layer_column("guess"))
    "(`layer` = 'guess') AND (`kind` = 'classification') AND (`label` IS NOT NULL)"

    Raises:
        UsageError: it stands for none.
    """
    if name == OBJECTS:
        return f"NOT ({equal('kind', 'classification')}) AND {known('label')}"
    layer = name.removeprefix(layer_column(""))
    if layer == name:
        raise UsageError(f"there is no column {name!r} to filter by")
    return classes_in(layer)


@dataclass(frozen=True)
class Words:
    """A column of texts, truth values or lists of texts, coded.

    Attributes:
        values: the distinct values, most frequent first.
        codes: `[E]` int32, which value an entry is.
        rows: `[E]` int32, which row an entry belongs to; a row of a list may have several.
        count: how many rows the table has.
    """

    values: list[str | bool | int]
    codes: NDArray[np.int32]
    rows: NDArray[np.int32]
    count: int

    def having(self, values: Sequence[str | bool | int | None]) -> Mask:
        """Return `[N]` which rows have one of some values; None stands for having none."""
        wanted = np.array([value in values for value in self.values], bool)
        mask = np.zeros(self.count, bool)
        if wanted.any():
            mask[self.rows[wanted[self.codes]]] = True
        if None in values:
            mask |= ~self.known()
        return mask

    def known(self) -> Mask:
        """Return `[N]` which rows have a value."""
        mask = np.zeros(self.count, bool)
        mask[self.rows] = True
        return mask

    def counts(self, mask: Mask) -> NDArray[np.int64]:
        """Return how many rows of a mask have each value."""
        return np.bincount(self.codes[mask[self.rows]], minlength=len(self.values))

    def ranks(self) -> NDArray[np.float64]:
        """Return `[N]` float64 that order the rows as their values are ordered; none is NaN."""
        order = np.argsort(np.argsort(np.array([str(value) for value in self.values], np.str_)))
        ranks = np.full(self.count, np.nan)
        ranks[self.rows[::-1]] = order[self.codes[::-1]]
        return ranks


@dataclass(frozen=True)
class Numbers:
    """A column of numbers or times.

    Attributes:
        values: `[N]` float64, NaN where there is none; of times, microseconds since 1970.
        type: the column's own type.
    """

    values: NDArray[np.float64]
    type: pa.DataType

    def between(self, low: float | None, high: float | None, *, below: bool) -> Mask:
        """Return `[N]` which rows lie between two bounds, the upper one left out on demand."""
        low, high = self.bounds(low, high, below=below)
        mask = ~np.isnan(self.values)
        if low is not None:
            mask &= self.values >= low
        if high is not None:
            mask &= self.values < high if below else self.values <= high
        return mask

    def bounds(
        self, low: float | None, high: float | None, *, below: bool
    ) -> tuple[float | None, float | None]:
        """Return bounds of the column's own type that let the same numbers pass.

        Comparing on disk rounds to that type too, or refuses.
        """
        if self.type == pa.float32():
            single = (None if one is None else float(np.float32(one)) for one in (low, high))
            low, high = single
        elif self.type != pa.float64():
            low = None if low is None else _whole(math.ceil(low))
            high = None if high is None else _whole((math.ceil if below else math.floor)(high))
        return low, high

    def having(self, values: Sequence[str | bool | int | None]) -> Mask:
        """Return `[N]` which rows have one of some numbers; None stands for having none."""
        given = [float(v) for v in values if v is not None and not isinstance(v, str)]
        mask = np.isin(self.values, given)
        return mask | np.isnan(self.values) if None in values else mask


class RowTable:
    """The rows of one snapshot in dataset order; columns are read when they are first asked for.

    Some bytes a row and column: 4 for texts, 8 for numbers, 32 for the ids.

    Args:
        samples: the dataset, at the snapshot.
        last: the table of another snapshot; what is the same there is taken over.
    """

    def __init__(self, samples: Samples, last: RowTable | None = None) -> None:
        self._samples = samples
        self.snapshot = samples.store.snapshot
        self._files = samples.store.data_files()
        names = [Column.SAMPLE_ID, Column.WIDTH, Column.HEIGHT]
        read = samples.store.read(names)
        self.ids: pa.Array = read.column(0).combine_chunks()
        self._columns: dict[str, Words | Numbers] = {}
        self._whole: Mask | None = None
        self.aspects: NDArray[np.uint8]
        self._maps: dict[str, PointMap] = {} if last is None else last._maps  # noqa: SLF001
        self._keys: dict[str, MapKey] | None = None
        self._made: dict[str, MapMade | None] = {}
        if last is not None and last.ids.equals(self.ids):
            self.ids, self.aspects = last.ids, last.aspects
            self._columns = {
                name: column
                for name, column in last._columns.items()  # noqa: SLF001 - one of its own kind
                if name in self._files and self._files[name] == last._files.get(name)  # noqa: SLF001
            }
        else:
            self.aspects = _aspects(read.column(1), read.column(2))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def whole(self) -> Mask:
        """`[N]` which rows are whole pictures, not parts of one."""
        if self._whole is None:
            self._whole = (
                ~self.words(Column.KIND).known()
                if self._samples.has(Column.KIND)
                else np.ones(len(self), bool)
            )
        return self._whole

    def positions(self, ids: pa.Array | Sequence[str]) -> NDArray[np.int64]:
        """Return where some ids are, those that are not there left out. O(N)."""
        wanted = ids if isinstance(ids, pa.Array) else pa.array(ids, pa.string())
        found = pc.index_in(wanted, value_set=self.ids).drop_null()
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def require(self, ids: Sequence[str]) -> None:
        """Refuse what is no sample id of the dataset, such as a path. O(N).

        Raises:
            UsageError: one of them is none.
        """
        known = pc.is_in(pa.array(ids, pa.string()), value_set=self.ids).to_pylist()
        strange = [name for name, is_known in zip(ids, known, strict=True) if not is_known]
        if strange:
            raise UsageError(f"{strange[0]!r} is no sample id of the dataset")

    def meeting(self, where: str) -> Mask:
        """Return `[N]` which rows meet an SQL condition.

        Raises:
            UsageError: it is none.
        """
        mask = np.zeros(len(self), bool)
        met = self._samples.store.read([Column.SAMPLE_ID], where).column(0)
        mask[self.positions(met.combine_chunks())] = True
        return mask

    def column(self, name: str) -> Words | Numbers:
        """Return a column by its name, or what `OBJECTS` or `layer_column` stand for.

        Raises:
            UsageError: there is none that can be filtered by.
        """
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def maps(self) -> dict[str, MapKey]:
        """Return the maps that there are by their keys, the one to begin with first.

        Those of the default encoder come first, and of each encoder the one that was made.
        """
        from tamis.interfaces.server.point_map import MapKey

        if self._keys is None:
            default = self._samples.default_vector_column()
            columns = sorted(self._samples.vector_columns, key=lambda one: one != default)
            self._keys = {
                str(key): key
                for column in columns
                for key in (MapKey("neighbors", column), MapKey("plane", column))
                if key.kind == "plane" or self.map_made(column) is not None
            }
        return self._keys

    def map_made(self, column: VectorColumn) -> MapMade | None:
        """Return what the log says of the map of some vectors; None without one."""
        if column.name not in self._made:
            self._made[column.name] = map_of(self._samples, column)
        return self._made[column.name]

    def places(self, name: str | None = None) -> NDArray[np.float32]:
        """Return `[N, 2]` where the rows lie on a map; it is made when it is first asked for.

        Args:
            name: the map's key; None is the plane of the default encoder.

        Raises:
            UsageError: no row has a vector, or there is no such map.
        """
        from tamis.interfaces.server.point_map import NeighborMap, PlaneMap

        if name is None:
            name = f"plane:{self._samples.vector_column().name}"
        key = self.maps().get(name)
        if key is None:
            raise UsageError(f"there is no map {name!r} any more; draw on another one")
        made = self.map_made(key.column) if key.kind == "neighbors" else None
        known = self._maps.get(name)
        if isinstance(known, NeighborMap) and known.made != made:
            known = None
        if known is None:
            known = (
                PlaneMap(self._samples, key.column)
                if made is None
                else NeighborMap(self._samples, key.column, made)
            )
            self._maps[name] = known
        return known.places(self)

    def words(self, name: str) -> Words:
        """Return a column of texts.

        Raises:
            UsageError: there is none, or it holds numbers.
        """
        found = self.column(name)
        if not isinstance(found, Words):
            raise UsageError(f"{name} holds numbers")
        return found

    def _read(self, name: str) -> Words | Numbers:
        if name == OBJECTS or name.startswith(_LAYER):
            return self._annotated(name)
        if not self._samples.has(name) or name not in self._samples.narrow_columns():
            raise UsageError(f"there is no column {name!r} to filter by")
        column = self._samples.store.read([name]).column(0).combine_chunks()
        kind = column.type
        if pa.types.is_list(kind):
            rows = pc.list_parent_indices(column)
            return _coded(column.flatten(), rows.to_numpy(), len(self))
        if pa.types.is_string(kind) or pa.types.is_boolean(kind) or name in _CODES:
            return _coded(column, np.arange(len(self)), len(self))
        return _numbers(column)

    def _annotated(self, name: str) -> Words:
        found = self._samples.store.annotations(
            ["sample_id", "label"], annotation_condition(name)
        ).combine_chunks()
        at = pc.index_in(found.column(0), value_set=self.ids).combine_chunks()
        there = at.is_valid()
        pairs = pa.table({"row": at.filter(there), "label": found.column(1).filter(there)})
        once = pairs.group_by(["row", "label"]).aggregate([]).combine_chunks()
        rows = once.column("row").to_numpy()
        return _coded(once.column("label").combine_chunks(), rows, len(self))


def _whole(number: int) -> int:
    return min(max(number, -_MOST_WHOLE), _MOST_WHOLE)


_CODES: Final = frozenset({Column.CLUSTER, Column.FOLD, Column.ORIENTATION})
"""Columns of whole numbers that name something."""


def _coded(entries: pa.Array, rows: NDArray[np.int64], count: int) -> Words:
    known = entries.is_valid().to_numpy(zero_copy_only=False)
    encoded = pc.dictionary_encode(entries.filter(pa.array(known)))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    values = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    frequency = np.bincount(codes, minlength=len(values))
    names = np.array([str(value) for value in values], np.str_)
    order = np.lexsort((names, -frequency))
    place = np.empty(len(values), np.int32)
    place[order] = np.arange(len(values), dtype=np.int32)
    return Words(
        [values[at] for at in order], place[codes], np.asarray(rows[known], np.int32), count
    )


def _numbers(column: pa.Array) -> Numbers:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UsageError(f"a column of {kind} cannot be filtered by")
    return Numbers(
        np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)), kind
    )


def _aspects(width: pa.ChunkedArray, height: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Return `[N]` uint8 that tell width / height: 2 ** ((code - 128) / 32); unknown is square."""
    sides = [np.asarray(side.fill_null(1).to_numpy(), np.float64) for side in (width, height)]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.log2(np.maximum(sides[0], 1) / np.maximum(sides[1], 1)) * _ASPECT_STEPS
    codes: NDArray[np.uint8] = np.clip(np.rint(steps) + _ASPECT_ZERO, 0, 255).astype(np.uint8)
    return codes

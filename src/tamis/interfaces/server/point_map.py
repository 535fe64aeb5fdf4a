"""The map: where each row's vector lies in the plane, in which color, and what a lasso holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.principal_plane import principal_plane
from tamis.dataset.columns import Column
from tamis.dataset.map_columns import map_columns
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.interfaces.server.row_table import Numbers
from tamis.runtime.picture_map import evenly, later_places, vectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.operations import MapMade
    from tamis.dataset.samples import Samples
    from tamis.dataset.schema import VectorColumn
    from tamis.interfaces.server.row_table import RowTable

__all__ = [
    "Lasso",
    "MapKey",
    "NeighborMap",
    "PlaneMap",
    "PointMap",
    "checked_lasso",
    "color_codes",
    "inside",
    "packed",
]

_FITTED: Final = 4000
_NOWHERE: Final = 65535
_STEPS: Final = 65534
_NO_VALUE: Final = 255
_MOST_CORNERS: Final = 1000
_MOST_SHAPES: Final = 50
_MOST_VALUES: Final = 1000
_LEAST_CORNERS: Final = 3


@dataclass(frozen=True)
class MapKey:
    """Which map is meant.

    Attributes:
        kind: the principal plane, or the layout of `tamis map`.
        column: the vectors that it is of.
    """

    kind: Literal["plane", "neighbors"]
    column: VectorColumn

    def __str__(self) -> str:
        return f"{self.kind}:{self.column.name}"


class PointMap(ABC):
    """Places of rows on a map of one vector column; what is placed once stays where it is."""

    def __init__(self) -> None:
        self._ids = pa.array([], pa.string())
        self._places = np.empty((0, 2), np.float32)

    def places(self, table: RowTable) -> NDArray[np.float32]:
        """Return `[N, 2]` float32 in [-1, 1] where the table's rows lie; NaN without a vector."""
        if self._ids is table.ids and not np.isnan(self._places).any():
            return self._places
        places = np.full((len(table), 2), np.nan, np.float32)
        before = pc.index_in(table.ids, value_set=self._ids)
        kept = before.is_valid().to_numpy(zero_copy_only=False)
        places[kept] = self._places[before.drop_null().to_numpy(zero_copy_only=False)]
        if np.isnan(places).any():
            for ids, found in self._of_lacking():
                at = pc.index_in(pa.array(ids, pa.string()), value_set=table.ids)
                here = at.is_valid().to_numpy(zero_copy_only=False)
                rows = at.drop_null().to_numpy(zero_copy_only=False)
                absent = np.isnan(places[rows, 0])
                places[rows[absent]] = found[here][absent]
        self._ids, self._places = table.ids, places
        return places

    @abstractmethod
    def _of_lacking(self) -> Iterator[tuple[Sequence[str], NDArray[np.float32]]]:
        """Yield rows and where they lie, at least those that have no place yet."""


class PlaneMap(PointMap):
    """The plane of largest variance.

    It is fitted to at most 4,000 vectors, chosen by their sample ids, so that the order of rows
    decides nothing.

    Raises:
        UsageError: no row has a vector.
    """

    def __init__(self, samples: Samples, column: VectorColumn) -> None:
        super().__init__()
        self._samples, self._column = samples, column
        ids = samples.of().having(column.name).ids
        if not ids:
            raise UsageError("no picture has a vector yet; run  tamis embed  first")
        self._plane = principal_plane(vectors_of(samples, column, evenly(ids, _FITTED)))

    def _of_lacking(self) -> Iterator[tuple[Sequence[str], NDArray[np.float32]]]:
        everything = self._samples.of(kind=Kind.ALL)
        for ids, vectors in everything.vector_batches(self._column):
            yield ids, self._plane.place(vectors)


class NeighborMap(PointMap):
    """The map that the dataset keeps; rows that came later are placed by it, but not stored.

    Attributes:
        made: what the log says of it.
    """

    def __init__(self, samples: Samples, column: VectorColumn, made: MapMade) -> None:
        super().__init__()
        self._samples, self._column, self.made = samples, column, made

    def _of_lacking(self) -> Iterator[tuple[Sequence[str], NDArray[np.float32]]]:
        across, up = map_columns(self._column)
        stored = self._samples.of(kind=Kind.ALL).having(across)
        rows = stored.table(Column.SAMPLE_ID, across, up)
        places = [np.asarray(rows.column(name), np.float32) for name in (across, up)]
        yield rows.column(0).to_pylist(), np.stack(places, axis=1)
        for ids, _, found in later_places(self._samples, self._column):
            yield ids, found


@dataclass(frozen=True)
class Lasso:
    """A part of a map that was drawn around.

    Attributes:
        map: the map, as its key is written; None is the default encoder's plane.
        shapes: polygons in the order of drawing, each with whether it adds what it holds or takes
            it away.
    """

    map: str | None
    shapes: tuple[tuple[bool, tuple[tuple[float, float], ...]], ...]

    def holds(self, places: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return `[N]` which places it holds."""
        # what is first taken away is taken from all that lie somewhere
        held = np.isfinite(places[:, 0]) & (not self.shapes[0][0])
        for adds, corners in self.shapes:
            here = inside(places, corners)
            held = held | here if adds else held & ~here
        return held


def packed(places: NDArray[np.float32]) -> bytes:
    """Return places as pairs of uint16; 65535 stands for nowhere.

    0 is the left or lower edge, 65534 the right or upper one.
    """
    with np.errstate(invalid="ignore"):
        steps = np.rint((places + 1) / 2 * _STEPS)
    return np.where(np.isnan(steps), _NOWHERE, steps).astype("<u2").tobytes()


def color_codes(table: RowTable, name: str, *, ranks: bool = False) -> bytes:
    """Return for each row which value of a column it has, most frequent first.

    A byte, 255 for none, or a uint16, 65535 for none, of columns with over 255 values; after the
    1,000th all are 1000. Of numbers and times, 0 is the least and 254 the greatest; between them
    they grow with the value, or with the share of values below it if `ranks`, so that a few far
    ones do not take all colors.

    Raises:
        UsageError: there is no such column.
    """
    column = table.column(name)
    if isinstance(column, Numbers):
        return _ramp_codes(column.values, ranks=ranks).tobytes()
    wide = len(column.values) > _NO_VALUE
    codes = np.full(len(table), _NOWHERE if wide else _NO_VALUE, "<u2" if wide else "u1")
    # the first of several values is shown, so it is written last
    codes[column.rows[::-1]] = np.minimum(column.codes[::-1], _MOST_VALUES)
    return codes.tobytes()


def _ramp_codes(values: NDArray[np.float64], *, ranks: bool = False) -> NDArray[np.uint8]:
    codes = np.full(len(values), _NO_VALUE, np.uint8)
    known = ~np.isnan(values)
    if ranks:
        _, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        # equal values share a color: the middle of their ranks
        middle = np.cumsum(counts) - (counts + 1) / 2
        share = middle / max(int(known.sum()) - 1, 1)
        codes[known] = np.rint(share[place] * (_NO_VALUE - 1)).astype(np.uint8)
        return codes
    finite = values[np.isfinite(values)]
    if known.any():
        # halves, so that no difference is beyond the largest number
        low, high = (finite.min() / 2, finite.max() / 2) if len(finite) else (0.0, 0.0)
        share = (np.clip(values[known] / 2, low, high) - low) / max(high - low, 1e-12)
        codes[known] = np.rint(share * (_NO_VALUE - 1)).astype(np.uint8)
    return codes


def inside(places: NDArray[np.float32], corners: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Return `[N]` which places lie inside a polygon, by the even-odd rule. O(N corners).

    >>> square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    >>> inside(np.array([[0.5, 0.5], [1.5, 0.5], [np.nan, np.nan]], np.float32), square).tolist()
    [True, False, False]
    """
    polygon = np.asarray(corners, np.float64)
    found = np.zeros(len(places), bool)
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    x, y = places[near].T.astype(np.float64)
    within = np.zeros(len(near), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        if crosses.any():
            at = x0 + (y[crosses] - y0) * (x1 - x0) / (y1 - y0)
            within[crosses] ^= x[crosses] < at
    found[near] = within
    return found


def checked_lasso(given: Any) -> Lasso:
    """Return a lasso that the page gives: `{map, shapes: [{adds, corners}]}`, or corners alone.

    Raises:
        UsageError: it is none.
    """
    if isinstance(given, list):
        given = {"map": None, "shapes": [{"adds": True, "corners": given}]}
    if not (
        isinstance(given, dict)
        and set(given) <= {"map", "shapes"}
        and isinstance(given.get("map"), str | None)
        and isinstance(given.get("shapes"), list)
        and 0 < len(given["shapes"]) <= _MOST_SHAPES
        and all(
            isinstance(one, dict)
            and set(one) == {"adds", "corners"}
            and isinstance(one["adds"], bool)
            for one in given["shapes"]
        )
    ):
        raise UsageError(f"a lasso has a map and 1 to {_MOST_SHAPES} shapes, each adds and corners")
    shapes = tuple((one["adds"], _polygon(one["corners"])) for one in given["shapes"])
    return Lasso(given.get("map"), shapes)


def _polygon(given: Any) -> tuple[tuple[float, float], ...]:
    fits = (
        isinstance(given, list)
        and _LEAST_CORNERS <= len(given) <= _MOST_CORNERS
        and all(
            isinstance(corner, list)
            and len(corner) == 2  # noqa: PLR2004 - x and y
            and all(type(one) in (int, float) and abs(one) <= 10 for one in corner)  # noqa: PLR2004
            for corner in given
        )
    )
    if not fits:
        raise UsageError("a lasso is a list of 3 to 1,000 corners, each x and y")
    return tuple((float(x), float(y)) for x, y in given)

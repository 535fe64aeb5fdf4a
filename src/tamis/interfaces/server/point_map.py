"""The map: where each row's vector lies in the plane, in which color, and what a lasso holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.principal_plane import principal_plane
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.interfaces.server.row_table import Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.principal_plane import PrincipalPlane
    from tamis.dataset.samples import Samples
    from tamis.dataset.schema import VectorColumn
    from tamis.interfaces.server.row_table import RowTable

__all__ = ["PointMap", "checked_lasso", "color_codes", "inside", "packed"]

_FITTED: Final = 4000
_NOWHERE: Final = 65535
_STEPS: Final = 65534
_NO_VALUE: Final = 255
_MOST_CORNERS: Final = 1000
_LEAST_CORNERS: Final = 3


class PointMap:
    """Places of rows on a map of one vector column; what is placed once stays where it is.

    The plane is fitted to at most 4,000 vectors, chosen by their sample ids, so that the order of
    rows decides nothing.
    """

    def __init__(self, samples: Samples, column: VectorColumn) -> None:
        self.column = column
        self._samples = samples
        self._plane = self._fit()
        self._ids = pa.array([], pa.string())
        self._places = np.empty((0, 2), np.float32)

    def _fit(self) -> PrincipalPlane:
        known = self._samples.of().having(self.column.name)
        ids = known.ids
        if not ids:
            raise UsageError("no picture has a vector yet; run  tamis embed  first")
        step = max(len(ids) / _FITTED, 1.0)
        chosen = [ids[int(at * step)] for at in range(min(len(ids), _FITTED))]
        rows = self._samples.rows([self.column.name], chosen).column(0).combine_chunks()
        flat = np.asarray(rows.flatten().to_numpy(zero_copy_only=False), np.float32)
        return principal_plane(flat.reshape(-1, self.column.dim))

    def places(self, table: RowTable) -> NDArray[np.float32]:
        """Return `[N, 2]` float32 in [-1, 1] where the table's rows lie; NaN without a vector."""
        if self._ids is table.ids and not np.isnan(self._places).any():
            return self._places
        places = np.full((len(table), 2), np.nan, np.float32)
        before = pc.index_in(table.ids, value_set=self._ids)
        kept = before.is_valid().to_numpy(zero_copy_only=False)
        places[kept] = self._places[before.drop_null().to_numpy(zero_copy_only=False)]
        if np.isnan(places).any():
            everything = self._samples.of(kind=Kind.ALL)
            for ids, vectors in everything.vector_batches(self.column):
                at = pc.index_in(pa.array(ids), value_set=table.ids)
                here = at.is_valid().to_numpy(zero_copy_only=False)
                rows = at.drop_null().to_numpy(zero_copy_only=False)
                absent = np.isnan(places[rows, 0])
                places[rows[absent]] = self._plane.place(vectors[here][absent])
        self._ids, self._places = table.ids, places
        return places


def packed(places: NDArray[np.float32]) -> bytes:
    """Return places as pairs of uint16; 65535 stands for nowhere.

    0 is the left or lower edge, 65534 the right or upper one.
    """
    with np.errstate(invalid="ignore"):
        steps = np.rint((places + 1) / 2 * _STEPS)
    return np.where(np.isnan(steps), _NOWHERE, steps).astype("<u2").tobytes()


def color_codes(table: RowTable, name: str) -> bytes:
    """Return a byte for each row: which value of a column it has, at most 254; 255 without one.

    Of numbers and times, 0 is the least and 254 the greatest.

    Raises:
        UsageError: there is no such column.
    """
    column = table.column(name)
    codes = np.full(len(table), _NO_VALUE, np.uint8)
    if isinstance(column, Numbers):
        known = ~np.isnan(column.values)
        finite = column.values[np.isfinite(column.values)]
        if known.any():
            # halves, so that no difference is beyond the largest number
            low, high = (finite.min() / 2, finite.max() / 2) if len(finite) else (0.0, 0.0)
            share = (np.clip(column.values[known] / 2, low, high) - low) / max(high - low, 1e-12)
            codes[known] = np.rint(share * (_NO_VALUE - 1)).astype(np.uint8)
        return codes.tobytes()
    # the first of several values is shown, so it is written last
    codes[column.rows[::-1]] = np.minimum(column.codes[::-1], _NO_VALUE - 1)
    return codes.tobytes()


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


def checked_lasso(given: Any) -> tuple[tuple[float, float], ...]:
    """Return a polygon that the page gives.

    Raises:
        UsageError: it is none.
    """
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

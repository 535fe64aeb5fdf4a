"""What columns hold under a question's filters: counts of values, histograms of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from tamis.dataset.columns import NAMING_COLUMNS, Column
from tamis.dataset.map_columns import is_map_column
from tamis.errors import UsageError
from tamis.interfaces.server.row_table import OBJECTS, Numbers, Words, layer_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples
    from tamis.interfaces.server.questions import Question
    from tamis.interfaces.server.row_table import RowTable

__all__ = ["facets_of", "filterable"]

_BINS: Final = 24
_MOST_VALUES: Final = 1000
_NEVER: Final = NAMING_COLUMNS | {
    Column.BOX_X,
    Column.BOX_Y,
    Column.BOX_WIDTH,
    Column.BOX_HEIGHT,
}
"""Columns of which no value is shared by many."""

_ORDER: Final = (Column.LABEL, OBJECTS, Column.TAGS, Column.SPLIT)
"""What users look at first."""

_FINDINGS: Final = (
    Column.DUPLICATE_KIND,
    Column.SELECTED,
    Column.CLUSTER,
    Column.UNIQUENESS,
    Column.NEIGHBOR_DISTANCE,
    Column.MAHALANOBIS,
    Column.REPRESENTATIVENESS,
    Column.DUPLICATE_SCORE,
    Column.SELECTED_RANK,
    Column.FOLD,
)
"""What tamis found."""

_TECHNICAL: Final = (
    Column.SHARPNESS,
    Column.BRIGHTNESS,
    Column.CONTRAST,
    Column.ENTROPY,
    Column.WIDTH,
    Column.HEIGHT,
    Column.BYTES,
    Column.FORMAT,
    Column.CAMERA,
    Column.ORIENTATION,
    Column.CAPTURED_AT,
    Column.ADDED_AT,
    Column.LATITUDE,
    Column.LONGITUDE,
    Column.SOURCE,
    Column.KIND,
    Column.VIDEO,
    Column.FRAME,
    Column.SECONDS,
)
"""What the files say."""


def filterable(samples: Samples) -> list[tuple[str, str]]:
    """Return the columns to filter by, each with its group: `marks`, `found` or `file`."""
    store = samples.store
    layers = store.annotations(["layer"]).column(0).unique().to_pylist()
    names = [
        *samples.narrow_columns(),
        *([OBJECTS] if layers else []),
        *(layer_column(layer) for layer in layers if layer != "truth"),
    ]
    groups = dict.fromkeys(_FINDINGS, "found") | dict.fromkeys(_TECHNICAL, "file")
    order = {name: at for at, name in enumerate((*_ORDER, *_FINDINGS, *_TECHNICAL))}
    found = [
        (str(name), groups.get(Column(name), "marks") if name in set(Column) else "marks")
        for name in names
        if name not in _NEVER and not name.startswith("error_") and not is_map_column(name)
    ]
    at_end = len(order)
    rank = {"marks": 0, "found": 1, "file": 2}
    return sorted(found, key=lambda one: (rank[one[1]], order.get(one[0], at_end), one[0]))


def facets_of(
    table: RowTable, question: Question, columns: Iterable[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return for each column what it holds, in all rows and in those that the question means.

    A column's own filter does not count for itself, so that other values can be chosen. Columns
    without any value are left out.

    Raises:
        UsageError: the question's filters do not fit.
    """
    everything = np.ones(len(table), bool) if question.names_parts else table.whole
    filtered = {one.column for one in question.filters}
    mask = question.mask(table)
    found = []
    for name, group in columns:
        try:
            column = table.column(name)
        except UsageError:
            continue  # its type is none that can be counted
        under = question.without(name).mask(table) if name in filtered else mask
        shown = (
            _words(column, everything, under)
            if isinstance(column, Words)
            else _histogram(column, everything, under)
        )
        if shown is not None:
            found.append({"column": name, "group": group, **shown})
    return found


def _words(
    column: Words, everything: NDArray[np.bool_], under: NDArray[np.bool_]
) -> dict[str, Any] | None:
    if not column.values:
        return None
    totals, counts = column.counts(everything), column.counts(under)
    without = ~column.known()
    return {
        "kind": "values",
        "values": column.values[:_MOST_VALUES],
        "totals": totals[:_MOST_VALUES].tolist(),
        "counts": counts[:_MOST_VALUES].tolist(),
        "distinct": len(column.values),
        "missing": [int((without & everything).sum()), int((without & under).sum())],
    }


def _histogram(
    column: Numbers, everything: NDArray[np.bool_], under: NDArray[np.bool_]
) -> dict[str, Any] | None:
    known = ~np.isnan(column.values)
    finite = np.isfinite(column.values)
    values = column.values[finite & everything]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(high - low):
        return None  # no bars are that wide
    whole = pa.types.is_integer(column.type)
    bins = int(min(_BINS, high - low + 1)) if whole else _BINS
    top = high + 1 if whole else high
    edges = np.linspace(low, top if top > low else low + 1, bins + 1)
    shown = column.values[finite & under]
    return {
        "kind": "times" if pa.types.is_timestamp(column.type) else "numbers",
        "whole": whole,
        "low": low,
        "high": high,
        "median": float(np.median(values)),
        "edges": edges.tolist(),
        "totals": np.histogram(values, edges)[0].tolist(),
        "counts": np.histogram(shown, edges)[0].tolist(),
        "missing": [int((~known & everything).sum()), int((~known & under).sum())],
    }

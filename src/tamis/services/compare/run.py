"""Groups of pictures compared by what the dataset says of them; layers and encoders compared."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.group_differences import Difference, count_difference, rank_difference
from tamis.algo.neighbors import knn_graph
from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.dataset.columns import NAMING_COLUMNS, Column
from tamis.dataset.conditions import columns_named
from tamis.dataset.label_sets import classes_in
from tamis.dataset.map_columns import is_map_column
from tamis.errors import UsageError
from tamis.services.compare.contract import (
    Agreement,
    ComparedColumn,
    ComparedValue,
    Comparison,
    Confused,
)
from tamis.verbs.feedback import SILENT
from tamis.wording import meant

if TYPE_CHECKING:
    from tamis.dataset.samples import SampleSet
    from tamis.runtime.workspace import Workspace
    from tamis.services.compare.contract import Compare
    from tamis.verbs.feedback import Feedback

__all__ = ["compare"]

_CODES: Final = frozenset({Column.CLUSTER, Column.FOLD, Column.ORIENTATION})
_MOST_VALUES: Final = 200
_BINS: Final = 16
_NEAREST: Final = 10
_SAMPLE: Final = 2000
_LEAST: Final = 12


def compare(workspace: Workspace, request: Compare, feedback: Feedback = SILENT) -> Comparison:
    """Say what tells two groups, two layers or two encoders apart.

    Columns that a group's condition names are left out, since they differ by definition. Encoders
    are compared on at most 2,000 pictures. O(N log N) for each column.

    Raises:
        UsageError: a group is empty, or there is no such column, layer or encoder.
    """
    columns: list[ComparedColumn] = []
    a = b = both = 0
    if request.a is not None:
        left = workspace.samples.of(request.a)
        right = workspace.samples.of(request.b)
        ids_a = left.ids
        held = set(ids_a)
        ids_b = [name for name in right.ids if request.b is not None or name not in held]
        a, b, both = len(ids_a), len(ids_b), len(held & set(ids_b))
        for name, ids in (("first", ids_a), ("second", ids_b)):
            if not ids:
                raise UsageError(f"no picture is in the {name} group; give another condition")
        columns = _columns(workspace, request, left, right, set(ids_b))
    return Comparison(
        a=a,
        b=b,
        both=both,
        columns=columns,
        confusion=_confusion(workspace, request) if request.layers else (),
        agreement=_agreement(workspace, request, feedback) if request.encoders else None,
    )


def _columns(
    workspace: Workspace, request: Compare, left: SampleSet, right: SampleSet, ids_b: set[str]
) -> list[ComparedColumn]:
    narrow = workspace.samples.narrow_columns()
    if unknown := [name for name in request.by if name not in narrow]:
        raise UsageError(f"there is no column {unknown[0]!r}; {meant(unknown[0], narrow)}")
    named = columns_named(request.a) | columns_named(request.b)
    names = list(request.by) or [
        name
        for name in narrow
        if name not in NAMING_COLUMNS
        and name.lower() not in named
        and not name.startswith("error_")
        and not is_map_column(name)
    ]
    rows_a = left.table(Column.SAMPLE_ID, *names)
    rows_b = right.table(Column.SAMPLE_ID, *names)
    kept = pc.is_in(rows_b.column(Column.SAMPLE_ID), value_set=pa.array(sorted(ids_b), pa.string()))
    rows_b = rows_b.filter(kept)
    found = []
    for name in names:
        one = _column(name, rows_a.column(name), rows_b.column(name))
        if one is not None:
            found.append(one)
    tests = len(found)
    adjusted = [
        ComparedColumn(
            one.name, one.effect, min(one.p_value * tests, 1.0), one.values, *_medians(one)
        )
        for one in found
    ]
    return sorted(adjusted, key=lambda one: (-one.effect, one.name))


def _medians(one: ComparedColumn) -> tuple[float | None, float | None]:
    return one.median_a, one.median_b


def _column(name: str, a: pa.ChunkedArray, b: pa.ChunkedArray) -> ComparedColumn | None:
    kind = a.type
    if pa.types.is_list(kind):
        return _lists(name, a, b)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind)
    if number and name not in _CODES:
        return _numbers(name, _floats(a), _floats(b))
    return _categories(name, a, b)


def _categories(name: str, a: pa.ChunkedArray, b: pa.ChunkedArray) -> ComparedColumn | None:
    counts = [Counter(map(_text, side.to_pylist())) for side in (a, b)]
    values = sorted(counts[0] | counts[1], key=lambda v: (-counts[0][v] - counts[1][v], str(v)))
    if not 1 < len(values) <= _MOST_VALUES:
        return None
    table = np.array([[side[value] for value in values] for side in counts], np.int64)
    return _told(name, count_difference(table), values, table)


def _lists(name: str, a: pa.ChunkedArray, b: pa.ChunkedArray) -> ComparedColumn | None:
    sides = [[list(dict.fromkeys(one or ())) for one in side.to_pylist()] for side in (a, b)]
    counts = [Counter(value for one in side for value in map(_text, one)) for side in sides]
    values = sorted(counts[0] | counts[1], key=lambda v: (-counts[0][v] - counts[1][v], str(v)))
    if not 0 < len(values) <= _MOST_VALUES:
        return None
    table = np.array([[side[value] for value in values] for side in counts], np.int64)
    size = np.array([len(side) for side in sides], np.int64)
    tests = [count_difference(np.stack([column, size - column], axis=1)) for column in table.T]
    effect = float(np.abs(table[0] / size[0] - table[1] / size[1]).max())
    p = min(min(one.p for one in tests) * len(tests), 1.0)
    return _told(name, Difference(effect, p), values, table)


def _numbers(name: str, a: Any, b: Any) -> ComparedColumn | None:
    every = np.concatenate([a, b])
    if not len(a) or not len(b) or every.min() == every.max():
        return None
    edges = np.linspace(every.min(), every.max(), _BINS + 1)
    table = np.stack([np.histogram(side, edges)[0] for side in (a, b)])
    found = rank_difference(a, b)
    bins = [f"{edge:.4g}" for edge in edges[:-1]]
    told = _told(name, found, bins, table)
    medians = float(np.median(a)), float(np.median(b))
    return ComparedColumn(told.name, told.effect, told.p_value, told.values, *medians)


def _told(name: str, found: Difference, values: list[Any], table: Any) -> ComparedColumn:
    return ComparedColumn(
        name,
        found.effect,
        found.p,
        [
            ComparedValue(value, int(a), int(b))
            for value, a, b in zip(values, table[0], table[1], strict=True)
        ],
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _floats(column: pa.ChunkedArray) -> Any:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    values = column.drop_null().cast(pa.float64(), safe=False).to_numpy()
    return values[np.isfinite(values)]


def _confusion(workspace: Workspace, request: Compare) -> list[Confused]:
    first, second = (_classes(workspace, layer) for layer in request.layers)
    names = sorted(first.keys() | second.keys())
    counts = Counter((first.get(name), second.get(name)) for name in names)
    order = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [Confused(one, other, count) for (one, other), count in order]


def _classes(workspace: Workspace, layer: str) -> dict[str, str]:
    """Return the class that a layer gives to each picture; of several the first by name."""
    if layer == TRUTH:
        rows = workspace.samples.of().table(Column.SAMPLE_ID, Column.LABEL)
        pairs = zip(*(column.to_pylist() for column in rows.columns), strict=True)
        return {name: label for name, label in pairs if label is not None}
    table = workspace.store.annotations(["sample_id", "label"], classes_in(check_layer(layer)))
    if not table.num_rows:
        raise UsageError(
            f"the layer {layer!r} gives no picture a class; tamis label layers shows what there is"
        )
    pairs = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return dict(sorted(pairs, reverse=True))


def _agreement(workspace: Workspace, request: Compare, feedback: Feedback) -> Agreement:
    sides = [workspace.samples.of().vectors(spec) for spec in request.encoders]
    common = sorted(set(sides[0].ids) & set(sides[1].ids))
    if len(common) <= _NEAREST:
        raise UsageError(
            f"{len(common)} pictures have vectors of both encoders, and more than {_NEAREST} are "
            "needed; run  tamis embed --encoder SPEC  with the other one"
        )
    rng = np.random.default_rng(request.seed)
    if len(common) > _SAMPLE:
        common = [common[row] for row in np.sort(rng.choice(len(common), _SAMPLE, replace=False))]
    progress = feedback.stage("compare")
    near = []
    for done, side in enumerate(sides):
        progress(done, len(sides))
        place = {name: row for row, name in enumerate(side.ids)}
        vectors = side.vectors[[place[name] for name in common]]
        near.append(knn_graph(vectors, _NEAREST, rng=rng).indices)
    progress(len(sides), len(sides))
    shared = np.array(
        [np.intersect1d(one, other).size for one, other in zip(*near, strict=True)], np.float64
    )
    shared /= _NEAREST
    least = np.argsort(shared, kind="stable")[:_LEAST]
    return Agreement(
        shared=float(shared.mean()),
        nearest=_NEAREST,
        pictures=len(common),
        least=[common[row] for row in least.tolist()],
    )

"""Probabilities of the user's own model: from a table, or from a layer of its predictions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from tamis.dataset.label_sets import classes_in
from tamis.errors import InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.known_labels import KnownLabels

__all__ = ["of_layer", "of_table"]

_SLACK: Final = 0.01
"""Probabilities written with few digits sum to a little more than 1."""


def of_table(file: Path, known: KnownLabels) -> NDArray[np.float64]:
    """Read probabilities `[N, K]`, classes ascending by name; a row that is missing is NaN.

    Args:
        file: CSV or Parquet with a column `path`, as the dataset has it, and one for each class.
        known: pictures and their labels.

    Raises:
        InputError: the file cannot be read.
        UsageError: it has no paths, names one twice, lacks a class, has none of the pictures, or
            numbers that are no probabilities.
    """
    try:
        table = parquet.read_table(file) if file.suffix == ".parquet" else csv.read_csv(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file} cannot be read as a table: {error}") from error
    classes = np.unique(known.labels).tolist()
    lacking = [name for name in ("path", *classes) if name not in table.column_names]
    if lacking:
        raise UsageError(
            f"{file} has no column {lacking[0]!r}; it needs `path` and a column for each class"
        )
    try:
        values = np.stack([np.asarray(table.column(n), np.float64) for n in classes], axis=1)
    except ValueError as error:
        raise UsageError(f"{file} has probabilities that are no numbers: {error}") from error
    paths = table.column("path").to_pylist()
    _check_probabilities(file, paths, values)
    return _placed(dict(zip(paths, values, strict=True)), known.paths)


def of_layer(workspace: Workspace, layer: str, known: KnownLabels) -> NDArray[np.float64]:
    """Read probabilities `[N, K]` from a layer; what its classes leave is shared by the others.

    Raises:
        UsageError: the layer has no classes with a confidence for these pictures, or only others.
    """
    classes = {name: number for number, name in enumerate(np.unique(known.labels).tolist())}
    rows = workspace.store.annotations(
        ["sample_id", "label", "confidence"], classes_in(layer)
    ).to_pylist()
    others = sorted({row["label"] for row in rows if row["label"] is not None} - classes.keys())
    if rows and not any(row["label"] in classes for row in rows):
        raise UsageError(
            f"the layer {layer!r} has classes such as {others[0]!r} and none of those that "
            f"pictures are labeled with, such as {next(iter(classes))!r}: give both the same names"
        )
    said: dict[str, NDArray[np.float64]] = {}
    for row in rows:
        if row["confidence"] is not None:
            found = said.setdefault(row["sample_id"], np.full(len(classes), np.nan))
            if row["label"] in classes:
                found[classes[row["label"]]] = row["confidence"]
    for found in said.values():
        unsaid = np.isnan(found)
        if unsaid.any():
            found[unsaid] = max(1.0 - float(np.nansum(found)), 0.0) / int(unsaid.sum())
    return _placed(said, known.ids)


def _check_probabilities(file: Path, paths: list[str], values: NDArray[np.float64]) -> None:
    again = next((path for path, times in Counter(paths).items() if times > 1), None)
    if again is not None:
        raise UsageError(f"{file} has several rows of {again!r}: give each picture one")
    total = values.sum(axis=1)
    wrong = np.isinf(values).any(axis=1) | (values < 0).any(axis=1)
    wrong |= (total <= 0) | (total > 1 + _SLACK)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        given = ", ".join(f"{value:g}" for value in values[row][:5])
        raise UsageError(
            f"{file} has no probabilities for {paths[row]!r} but {given}: they must lie between 0 "
            "and 1 and sum to 1 over the classes (logits go through a softmax first); empty cells "
            "are left out"
        )


def _placed(said: dict[Any, NDArray[np.float64]], names: list[str]) -> NDArray[np.float64]:
    width = next((row.size for row in said.values()), 1)
    nothing = np.full(width, np.nan)
    found = np.stack([said.get(name, nothing) for name in names])
    if np.isnan(found).all():
        raise UsageError(
            f"your model says nothing of the {len(names)} pictures with a label: compare its paths "
            "or its layer with the dataset's"
        )
    return found

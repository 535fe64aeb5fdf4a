"""Probabilities of the user's own model: from a table, or from a layer of its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def of_table(file: Path, known: KnownLabels) -> NDArray[np.float64]:
    """Read probabilities `[N, K]`, classes ascending by name; a row that is missing is NaN.

    Args:
        file: CSV or Parquet with a column `path`, as the dataset has it, and one for each class.
        known: pictures and their labels.

    Raises:
        InputError: the file cannot be read.
        UsageError: it has no paths, lacks a class, or has none of the pictures.
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
    return _placed(dict(zip(table.column("path").to_pylist(), values, strict=True)), known.paths)


def of_layer(workspace: Workspace, layer: str, known: KnownLabels) -> NDArray[np.float64]:
    """Read probabilities `[N, K]` from a layer; what its classes leave is shared by the others.

    Raises:
        UsageError: the layer has no classes with a confidence for these pictures.
    """
    classes = {name: number for number, name in enumerate(np.unique(known.labels).tolist())}
    rows = workspace.store.annotations(
        ["sample_id", "label", "confidence"], classes_in(layer)
    ).to_pylist()
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

"""The classes that other layers give pictures, as columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import equal
from tamis.dataset.conditions import all_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis.dataset.store import Store

__all__ = ["with_layers"]


def with_layers(
    store: Store, columns: Sequence[str], where: str | None
) -> Iterator[pa.RecordBatch]:
    """Yield rows, with a column `label_LAYER` for each layer of classes but `truth`.

    Of several classes that a layer gives a picture the likeliest counts, then the one that came
    first. A column of that name that the dataset has stays as it is.

    Args:
        store: the dataset.
        columns: of the samples; `sample_id` is among them.
        where: which rows.
    """
    found = store.annotations(
        ["layer", "sample_id", "label", "confidence"],
        all_of(equal("kind", "classification"), f"layer <> '{TRUTH}'"),
    )
    layers = {
        f"label_{layer}": layer
        for layer in sorted(pc.unique(found["layer"]).to_pylist())
        if f"label_{layer}" not in columns
    }
    classes = {name: _classes(found, layer) for name, layer in layers.items()}
    for batch in store.batches(columns, where):
        if not classes:
            yield batch
            continue
        ids = batch.column("sample_id").to_pylist()
        more = [
            pa.array([labels.get(one) for one in ids], pa.string()) for labels in classes.values()
        ]
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, *more], names=[*batch.schema.names, *classes]
        )


def _classes(found: pa.Table, layer: str) -> dict[str, str]:
    best: dict[str, tuple[float, str]] = {}
    for row in found.filter(pc.equal(found["layer"], layer)).to_pylist():
        score = 1.0 if row["confidence"] is None else row["confidence"]
        if row["sample_id"] not in best or score > best[row["sample_id"]][0]:
            best[row["sample_id"]] = score, row["label"]
    return {name: label for name, (_, label) in best.items()}

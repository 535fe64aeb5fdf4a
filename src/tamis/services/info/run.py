"""What is in a dataset, in counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import Column, equal
from tamis.dataset.presence import find_gone
from tamis.dataset.samples import Kind
from tamis.runtime.indexing import audit_index
from tamis.services.info.objects import layer_objects
from tamis.services.info.result import InfoReport, VectorsOfEncoder
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.info.contract import Info
    from tamis.verbs.feedback import Feedback

__all__ = ["info"]


def info(workspace: Workspace, request: Info, _feedback: Feedback = SILENT) -> InfoReport:
    """Return counts of samples, failures, labels, splits and vectors.

    Reads a few narrow columns: O(N) time, no thumbnail and no vector is touched.
    """
    store, samples = workspace.store, workspace.samples
    whole, everything = samples.of(kind=Kind.WHOLE), samples.of(kind=Kind.ALL)
    marks = whole.table(Column.LABEL, Column.SPLIT, Column.FORMAT)
    parts = everything.column(Column.KIND).to_pylist()
    default = samples.default_vector_column()
    return InfoReport(
        dataset=str(store.path),
        samples=everything.count(),
        kinds={"picture": whole.count(), **_counts(parts)},
        failed=store.failures().num_rows,
        formats=_counts(marks["format"].to_pylist()),
        labels=_counts(marks["label"].to_pylist()),
        unlabeled=marks["label"].null_count,
        splits=_counts(marks["split"].to_pylist()),
        **_annotations(workspace, whole.count()),
        duplicates=everything.having(Column.DUPLICATE_OF).count(),
        selected=everything.equal(Column.SELECTED, value=True).count(),
        scored=everything.having(Column.UNIQUENESS).count(),
        encoders=[
            VectorsOfEncoder(
                encoder=column.spec,
                column=column.name,
                fingerprint=column.fingerprint,
                dim=column.dim,
                dtype=column.dtype,
                vectors=everything.embedded(column),
                default=default is not None and column.name == default.name,
            )
            for column in samples.vector_columns
        ],
        version=store.snapshot,
        indexes={column.name: audit_index(store, column.name) for column in samples.vector_columns}
        if request.index
        else None,
        gone=_gone(workspace) if request.files else None,
    )


def _annotations(workspace: Workspace, pictures: int) -> dict[str, Any]:
    """Count annotations by layer, and those of truth by class and size."""
    layers = _counts(workspace.store.annotations(["layer"])["layer"].to_pylist())
    objects = layer_objects(workspace.store, TRUTH)
    truth = workspace.store.annotations(["sample_id"], equal("layer", TRUTH))
    return {
        "layers": layers,
        "classes": objects.classes,
        "objects": objects.sizes,
        "objects_per_picture": objects.per_picture(pictures),
        "annotated": pc.count_distinct(truth["sample_id"]).as_py(),
    }


def _gone(workspace: Workspace) -> dict[str, int]:
    """Count pictures that are gone by now; time stamps are believed, `check` reads every file."""
    kinds = [one.kind for one in find_gone(workspace.store)]
    return {kind: kinds.count(kind) for kind in ("missing", "changed", "unreadable")}


def _counts(values: list[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))

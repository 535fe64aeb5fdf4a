"""The dataset as the page's head shows it, and what was done to it last."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column
from tamis.dataset.encoder_names import reads_texts
from tamis.interfaces.server.facets import filterable
from tamis.verbs.result import document_of

if TYPE_CHECKING:
    from tamis.dataset.history import LogEntry
    from tamis.interfaces.server.session import Session

__all__ = ["dataset_document", "history_document"]

_WRITES_NOTHING = frozenset({"tag", "undo", "redo"})


def dataset_document(session: Session) -> dict[str, Any]:
    """Return what the page needs to know of the dataset before it asks for rows."""
    from tamis import __version__

    samples = session.workspace.samples
    table = session.table
    layers = samples.store.annotations(["layer", "kind"])
    kinds = set(layers.column("kind").to_pylist()) - {"classification", "caption", "number"}
    default = samples.default_vector_column()
    return {
        "name": samples.store.path.name.removesuffix(".tamis"),
        "path": str(samples.store.path),
        "version": __version__,
        "snapshot": samples.store.snapshot,
        "pictures": int(table.whole.sum()),
        "parts": int((~table.whole).sum()),
        "failed": samples.store.failures().num_rows,
        "classes": [str(value) for value in table.words(Column.LABEL).values],
        "tags": [str(value) for value in table.words(Column.TAGS).values],
        "columns": [{"name": name, "group": group} for name, group in filterable(samples)],
        "encoders": [
            {
                "spec": column.spec,
                "reads_texts": reads_texts(column.spec),
                "default": column == default,
            }
            for column in samples.vector_columns
        ],
        "layers": sorted(set(layers.column("layer").to_pylist())),
        "has_objects": bool(kinds),
        "segmenter": session.segmenter is not None,
        "last": next(iter(history_document(session, 1)), None),
    }


def history_document(session: Session, limit: int) -> list[dict[str, Any]]:
    """Return the newest operations that stand, newest first."""
    entries = reversed(session.workspace.store.log())
    standing = (e for e in entries if e.state != "undone" and e.verb not in _WRITES_NOTHING)
    return [
        {
            "operation": entry.operation,
            "verb": entry.verb,
            "what": _summary(entry),
            "state": entry.state,
            "finished": document_of(entry.finished),
            "snapshot": entry.snapshot,
        }
        for entry in islice(standing, max(limit, 0))
    ]


def _summary(entry: LogEntry) -> str:
    """Return in a few words what an operation did."""
    fields = {} if entry.asked is None else entry.asked[1]
    counts = entry.counts
    number = next(
        (
            counts[name]
            for name in ("annotations", "pictures", "added", "embedded")
            if name in counts
        ),
        None,
    )
    what = {
        "label set": str(fields.get("label", "label")),
        "label clear": "labels cleared",
        "label tag": f"tag {fields.get('name', '')}",
        "label untag": f"tag {fields.get('name', '')} removed",
        "label boxes": "boxes",
        "label draw": f"{fields.get('label', '')} drawn",
        "label edit": "an object changed",
        "label interpolate": "boxes between key frames",
        "label remove": "objects removed",
        "review": f"{fields.get('queue', '')}: {fields.get('answer', '')}",
        "label rename": f"{fields.get('old', '')} renamed {fields.get('new', '')}",
    }.get(entry.verb, entry.verb)
    counted = entry.verb in {"label set", "label tag", "label untag", "add", "embed"}
    return f"{what} \N{MULTIPLICATION SIGN}{number:,}" if counted and number is not None else what

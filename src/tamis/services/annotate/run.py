"""Import annotations, set and clear classes, and list layers; each one operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import Column, equal, known, one_of
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.read import read_as
from tamis.outside_text import storable
from tamis.runtime.object_crops import PLACED, follow_objects, objects_to_follow
from tamis.services.annotate.contract import (
    ClearReport,
    ImportReport,
    Layer,
    LayersReport,
    SetReport,
)
from tamis.services.annotate.exported_pictures import exported_pictures
from tamis.services.annotate.spooled_tables import SpooledTables
from tamis.types import Failure
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.formats.annotations.source_annotation import Said, SourceAnnotation
    from tamis.runtime.workspace import Workspace
    from tamis.services.annotate.contract import ClearLabels, Import, ListLayers, SetLabel
    from tamis.verbs.feedback import Feedback

__all__ = ["clear_labels", "import_annotations", "list_layers", "set_label"]

_ROWS_AT_ONCE = 1 << 16
_NAMED = 500
"""Pictures that a condition names one by one; of more, all are read."""


def import_annotations(
    workspace: Workspace, request: Import, feedback: Feedback = SILENT
) -> ImportReport:
    """Bring the annotations of a file or folder into a layer.

    Raises:
        InputError: there are no annotations, none can be read, or they speak of none of the
            dataset's pictures.
        ConflictError: another writer was in the way.
    """
    store = workspace.store
    place = request.path.expanduser()
    said = read_as(request.format, place, request.reference, request.field)
    taken = _taken(workspace, request, said, feedback)
    failed = [*taken.unread, *taken.failed]
    if not taken.entries and not failed:
        raise InputError(f"{place} was read and has no annotation in it; name another source")
    if not taken.entries:
        first = next(iter(failed))
        raise InputError(
            f"nothing in {place} can be used; the first failure, {first.path}: {first.reason}"
        )
    if not taken.tables:
        first = next(iter(taken.failed))
        raise InputError(
            f"none of the {taken.entries} annotations in {place} can be used; the first, "
            f"{first.path}: {first.reason}. Add the pictures first:  tamis add FOLDER"
        )
    removed = 0
    with store.operation("import", request=request) as operation:
        labeled = set()
        if request.replace:
            removed = len(store.annotations(["layer"], equal("layer", request.layer)))
            before = objects_to_follow(workspace.samples, equal("layer", request.layer))
            operation.remove_annotations(request.layer)
            after = [before.slice(0, 0), *(table.select(PLACED) for table in taken.tables)]
            joined = pa.concat_tables(after, promote_options="default")
            follow_objects(workspace.samples, operation, before, joined)
            if request.layer == TRUTH:
                _clear_label(store, operation, list(_classes(store, TRUTH)))
        else:
            labeled = set(_with_label(store))
        for table in taken.tables:
            operation.add_annotations(table)
        labels = {name: label for name, label in taken.labels.items() if name not in labeled}
        taken.notes += _kept_labels(store, taken.labels, labeled)
        if labels:
            values = pa.array(list(labels.values()), pa.string())
            operation.set_marks(list(labels), {"label": values})
        operation.counts |= {"failed": len(failed)}
    kinds: Counter[str] = Counter()
    for table in taken.tables:
        for one in pc.value_counts(table.column("kind")).to_pylist():
            kinds[one["values"]] += one["counts"]
    counts = operation.counts
    return ImportReport(
        layer=request.layer,
        imported=counts.get("annotations", 0),
        known=counts.get("annotations_known", 0),
        removed=removed,
        pictures=taken.pictures,
        kinds=dict(kinds.most_common()),
        failed=failed,
        notes=taken.notes,
    )


def _kept_labels(store: Store, told: Mapping[str, str], labeled: set[str]) -> list[str]:
    """Say that pictures have another class as their label, and keep it."""
    asked = [name for name in told if name in labeled]
    there = store.read([Column.LABEL], ids=asked).column(0).to_pylist() if asked else []
    others = sum(told[name] != label for name, label in zip(asked, there, strict=True))
    if not others:
        return []
    sentence = (
        f"{counted(others, 'picture')} had another class already, which stays the label; what "
        f"was imported stands beside it in {TRUTH}: change it by  tamis label set, or import with "
        "--replace"
    )
    return [sentence]


@dataclass
class _Taken:
    """What an import found places for.

    Attributes:
        tables: rows.
        entries: how many annotations there were.
        pictures: of how many pictures.
        labels: the class of each whole picture that has one.
        unread: what the source has and cannot be read, each once.
        failed: annotations without a place, each reason once.
        notes: sentences on what was not read at all.
    """

    tables: list[pa.Table] = field(default_factory=list)
    entries: int = 0
    pictures: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    unread: dict[Failure, None] = field(default_factory=dict)
    failed: dict[Failure, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _taken(
    workspace: Workspace, request: Import, said: Iterable[Said], feedback: Feedback
) -> _Taken:
    source = storable(str(request.path))
    columns = ("uri", "sample_id", "width", "height", "orientation")
    read = workspace.samples.of(None, kind=Kind.WHOLE).table(*columns).to_pylist()
    samples = {row["uri"]: row for row in read}
    samples |= exported_pictures(request.path.expanduser(), read)
    finder = PictureFinder(samples)
    rows, waiting = AnnotationRows(request.layer, request.author), SpooledTables()
    taken = _Taken()
    seen: set[str] = set()
    progress = feedback.stage("import")
    for entry in _entries(said, taken):
        if request.layer == TRUTH and entry.confidence is not None:
            raise UsageError(
                f"{request.path} holds predictions, with a confidence each: name a layer of their "
                "own with --layer NAME"
            )
        uri = finder.find_for(entry)
        if not isinstance(uri, str) and len({samples[one]["sample_id"] for one in uri}) == 1:
            uri = uri[0]  # the original and what was exported of it
        if not isinstance(uri, str):
            reason = "several pictures have that name" if uri else "no picture of the dataset"
            taken.failed[Failure(entry.picture, reason, source)] = None
            continue
        sample = samples[uri]
        placed = entry.placed(sample["width"], sample["height"], sample["orientation"] or 1)
        if isinstance(placed, str):
            taken.failed[Failure(uri, placed, source)] = None
            continue
        name = sample["sample_id"]
        rows.add(name, entry, placed)
        seen.add(name)
        if entry.kind == "classification" and entry.label and request.layer == TRUTH:
            taken.labels.setdefault(name, entry.label)
        if len(rows) >= _ROWS_AT_ONCE:
            waiting.add(rows.table())
            progress(taken.entries, None)
    if len(rows):
        waiting.add(rows.table())
    taken.tables = waiting.tables()
    taken.pictures = len(seen)
    return taken


def _entries(said: Iterable[Said], taken: _Taken) -> Iterator[SourceAnnotation]:
    """Yield the annotations, and keep what is said beside them."""
    for one in said:
        if isinstance(one, str):
            taken.notes.append(one)
        elif isinstance(one, Failure):
            taken.unread[one] = None
        else:
            taken.entries += 1
            yield one


def set_label(workspace: Workspace, request: SetLabel, _feedback: Feedback = SILENT) -> SetReport:
    """Give pictures a class in a layer, in place of what the layer had or beside it.

    Raises:
        UsageError: a sample is unknown, or the condition is none.
    """
    store = workspace.store
    ids = _samples(workspace, request)
    had = _classes(store, request.layer, ids)
    if request.add:
        changed = [name for name in ids if request.label not in had.get(name, ())]
    else:
        changed = [name for name in ids if set(had.get(name, ())) != {request.label}]
    if changed:
        rows = AnnotationRows(request.layer, request.author)
        for name in changed:
            rows.add_class(name, request.label)
        with store.operation("label set", request=request) as operation:
            if not request.add:
                operation.remove_annotations(request.layer, changed, "classification")
            operation.add_annotations(rows.table())
            if request.layer == TRUTH:
                kept = set(_with_label(store, changed)) if request.add else set()
                shown = [name for name in changed if name not in kept]
                operation.set_marks(shown, {"label": [request.label] * len(shown)})
    return SetReport(
        label=request.label, layer=request.layer, pictures=len(ids), changed=len(changed)
    )


def clear_labels(
    workspace: Workspace, request: ClearLabels, _feedback: Feedback = SILENT
) -> ClearReport:
    """Remove a layer's annotations of some pictures.

    Raises:
        UsageError: a sample is unknown, or the condition is none.
    """
    store = workspace.store
    ids = _samples(workspace, request)
    of_kind = equal("kind", request.kind) if request.kind else None
    condition = all_of(equal("layer", request.layer), of_kind)
    annotated = store.annotations(["sample_id"], condition).column("sample_id")
    meant = pa.array(ids, pa.string())
    chosen = meant.filter(pc.is_in(meant, value_set=annotated.unique()))
    marks = request.layer == TRUTH and request.kind in (None, "classification")
    labeled = workspace.samples.rows(["sample_id", "label"], ids) if marks and ids else None
    labels = 0 if labeled is None else len(labeled) - labeled.column("label").null_count
    removed = 0
    if len(chosen) or labels:
        with store.operation("label clear", request=request) as operation:
            operation.remove_annotations(request.layer, chosen, request.kind)
            before = objects_to_follow(workspace.samples, condition)
            before = before.filter(pc.is_in(before.column("sample_id"), value_set=chosen))
            follow_objects(workspace.samples, operation, before, before.slice(0, 0))
            if labels:
                _clear_label(store, operation, ids)
        removed = pc.sum(pc.is_in(annotated, value_set=meant)).as_py() or 0
    return ClearReport(layer=request.layer, pictures=len(ids), removed=removed, labels=labels)


def list_layers(
    workspace: Workspace, _request: ListLayers, _feedback: Feedback = SILENT
) -> LayersReport:
    """Return the layers by name, with counts."""
    table = workspace.store.annotations(["layer", "sample_id", "kind", "label"])
    layers = []
    for name in sorted(pc.unique(table.column("layer")).to_pylist()):
        rows = table.filter(pc.equal(table.column("layer"), name))
        layers.append(
            Layer(
                name=name,
                annotations=rows.num_rows,
                pictures=pc.count_distinct(rows.column("sample_id")).as_py(),
                kinds=_counts(rows.column("kind")),
                classes=_counts(rows.column("label")),
            )
        )
    return LayersReport(layers=layers)


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(values.drop_null()).to_pylist()
    pairs = [(one["values"], one["counts"]) for one in counted]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _classes(store: Store, layer: str, ids: Sequence[str] | None = None) -> Mapping[str, list[str]]:
    """Return the classes of pictures that have any in a layer, of all or at least of some."""
    found: dict[str, list[str]] = {}
    named = one_of("sample_id", ids) if ids is not None and len(ids) <= _NAMED else None
    table = store.annotations(
        ["sample_id", "label"],
        all_of(equal("layer", layer), equal("kind", "classification"), named),
    )
    for name, label in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.setdefault(name, []).append(label)
    return found


def _samples(workspace: Workspace, request: Any) -> list[str]:
    """Return the samples that a request means, each once."""
    if request.ids is None:
        return workspace.samples.of(request.where).ids
    given = list(dict.fromkeys(request.ids))
    workspace.samples.rows(["sample_id"], given)  # says which is unknown
    if request.where is None:
        return given
    meant = set(workspace.samples.of(request.where).ids)
    return [name for name in given if name in meant]


def _with_label(store: Store, ids: list[str] | None = None) -> list[str]:
    names = store.read(["sample_id"], known(Column.LABEL), ids).column("sample_id")
    return [str(name) for name in names.to_pylist()]


def _clear_label(store: Store, operation: Operation, ids: list[str] | None) -> None:
    names = _with_label(store, ids)
    if names:
        operation.set_marks(names, {"label": pa.nulls(len(names), pa.string())})

"""Import annotations, set and clear classes, and list layers; each one operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import Column, equal, known, one_of
from tamis.dataset.conditions import all_of
from tamis.dataset.samples import Kind
from tamis.errors import InputError, UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.finding import PictureFinder
from tamis.formats.annotations.plain_boxes import PlainBoxes
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
    from collections.abc import Iterable, Mapping, Sequence

    from tamis.dataset.operation import Operation
    from tamis.dataset.store import Store
    from tamis.formats.annotations.source_annotation import Said, SourceAnnotation
    from tamis.runtime.workspace import Workspace
    from tamis.services.annotate.contract import ClearLabels, Import, ListLayers, SetLabel
    from tamis.verbs.feedback import Feedback

__all__ = ["clear_labels", "import_annotations", "list_layers", "set_label"]

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
    if not taken.rows.num_rows:
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
            if before.num_rows:
                after = [batch.select(list(PLACED)) for batch in taken.rows.batches()]
                follow_objects(workspace.samples, operation, before, pa.Table.from_batches(after))
            if request.layer == TRUTH:
                _clear_label(store, operation, list(_classes(store, TRUTH)))
        else:
            labeled = set(_with_label(store))
        operation.add_annotations(taken.rows)
        labels = {name: label for name, label in taken.labels.items() if name not in labeled}
        taken.notes += _kept_labels(store, taken.labels, labeled)
        if labels:
            values = pa.array(list(labels.values()), pa.string())
            operation.set_marks(list(labels), {"label": values})
        operation.counts |= {"failed": len(failed)}
    counts = operation.counts
    return ImportReport(
        layer=request.layer,
        imported=counts.get("annotations", 0),
        known=counts.get("annotations_known", 0),
        removed=removed,
        pictures=taken.pictures,
        kinds=dict(taken.kinds.most_common()),
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
        rows: their rows.
        kinds: how many there are of each kind.
        entries: how many annotations there were.
        pictures: of how many pictures.
        labels: the class of each whole picture that has one.
        unread: what the source has and cannot be read, each once.
        failed: annotations without a place, each reason once.
        notes: sentences on what was not read at all.
    """

    rows: SpooledTables = field(default_factory=SpooledTables)
    kinds: Counter[str] = field(default_factory=Counter)
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
    taking = _Taking(request, source, samples)
    progress = feedback.stage("import")
    for one in said:
        taking.take(one)
        if taking.rows.full:
            taking.flush()
            progress(taking.taken.entries, None)
    if len(taking.rows):
        taking.flush()
    taking.taken.pictures = len(taking.seen)
    return taking.taken


class _Taking:
    """Finds the picture of each annotation, and the place in it.

    Args:
        request: what was asked.
        source: where annotations come from, to be named with what fails.
        samples: the pictures by their uris.
    """

    def __init__(
        self, request: Import, source: str, samples: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.rows = AnnotationRows(request.layer, request.author)
        self.seen: set[str] = set()
        self.taken = _Taken()
        self._request = request
        self._source = source
        self._samples = samples
        self._finder = PictureFinder(samples)

    def flush(self) -> None:
        """Let the rows wait elsewhere."""
        table = self.rows.table()
        for one in pc.value_counts(table.column("kind")).to_pylist():
            self.taken.kinds[one["values"]] += one["counts"]
        self.taken.rows.add(table)

    def take(self, said: Said) -> None:
        """Take what a reader yields."""
        match said:
            case str():
                self.taken.notes.append(said)
            case Failure():
                self.taken.unread[said] = None
            case PlainBoxes():
                self._boxes(said)
            case _:
                self._one(said)

    def _one(self, entry: SourceAnnotation) -> None:
        self.taken.entries += 1
        self._check(entry.confidence)
        sample = self._sample(entry)
        if isinstance(sample, Failure):
            self.taken.failed[sample] = None
            return
        placed = entry.placed(sample["width"], sample["height"], sample["orientation"] or 1)
        if isinstance(placed, str):
            self.taken.failed[Failure(sample["uri"], placed, self._source)] = None
            return
        name = sample["sample_id"]
        self.rows.add(name, entry, placed)
        self.seen.add(name)
        if entry.kind == "classification" and entry.label and self._request.layer == TRUTH:
            self.taken.labels.setdefault(name, entry.label)

    def _boxes(self, boxes: PlainBoxes) -> None:
        """Take boxes together that are placed without a question, and the others one by one."""
        sizes = {}
        names = {}
        for number in dict.fromkeys(boxes.picture):
            sample = self._sample(boxes.pictures[number])
            if not isinstance(sample, Failure) and sample["width"] and sample["height"]:
                names[number] = sample["sample_id"]
                sizes[number] = sample["width"], sample["height"], sample["orientation"] or 1
        good, placed = boxes.placed(sizes)
        bounds = np.flatnonzero(np.diff(good, prepend=~good[:1], append=~good[-1:])).tolist()
        for start, stop in pairwise(bounds):
            if not good[start]:
                for row in range(start, stop):
                    self._one(boxes.entry(row))
                continue
            if self._request.layer == TRUTH:
                for confidence in boxes.confidence[start:stop]:
                    self._check(confidence)
            some = slice(start, stop)
            sample_ids = [names[number] for number in boxes.picture[some]]
            self.rows.add_boxes(
                sample_ids, boxes.label[some], placed[some], boxes.confidence[some],
                boxes.source[some],
            )  # fmt: skip
            self.taken.entries += stop - start
            self.seen.update(sample_ids)

    def _check(self, confidence: float | None) -> None:
        if confidence is not None and self._request.layer == TRUTH:
            raise UsageError(
                f"{self._request.path} holds predictions, with a confidence each: name a layer of "
                "their own with --layer NAME"
            )

    def _sample(self, entry: SourceAnnotation) -> Mapping[str, Any] | Failure:
        uri = self._finder.find_for(entry)
        if not isinstance(uri, str) and len({self._samples[one]["sample_id"] for one in uri}) == 1:
            uri = uri[0]  # the original and what was exported of it
        if not isinstance(uri, str):
            reason = "several pictures have that name" if uri else "no picture of the dataset"
            return Failure(entry.picture, reason, self._source)
        return self._samples[uri]


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

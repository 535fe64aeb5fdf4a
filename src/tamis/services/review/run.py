"""Answers written: what they change, and the record that keeps them from being asked again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from tamis.dataset.annotation_layers import TRUTH
from tamis.dataset.columns import MARK_TYPES, Column, equal, one_of
from tamis.dataset.conditions import all_of
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.runtime.defect_models import models_of_layers
from tamis.services.review.contract import OF_TWO, TO_LABEL, ReviewReport, layer_of
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.dataset.operation import Operation
    from tamis.runtime.workspace import Workspace
    from tamis.services.review.contract import AnswerReview
    from tamis.verbs.feedback import Feedback

__all__ = ["review"]

_PROPAGATED: Final = "propagated"
_DEFECTS: Final = "defects"
_GROUPS: Final = (Column.DUPLICATE_GROUP, Column.CHANGED_GROUP)
_OF_COPIES: Final = (Column.DUPLICATE_OF, Column.DUPLICATE_SCORE, Column.DUPLICATE_KIND)
_MIRRORED: Final = {"left": "right", "right": "left"}
_TYPES: Final[Mapping[str, pa.DataType]] = {
    **{str(name): kind for name, kind in MARK_TYPES.items()},
    Column.LABEL: pa.string(),
    Column.SPLIT: pa.string(),
    Column.TAGS: pa.list_(pa.string()),
}


def review(
    workspace: Workspace, request: AnswerReview, _feedback: Feedback = SILENT
) -> ReviewReport:
    """Write an answer, and what follows from it, as one operation.

    The answer is a class of the layer `reviewed_QUEUE`. Of two pictures it is kept with the first
    by id, which is the left one there, and its text names the other one; of a label its text is
    the label that it left.

    Raises:
        UsageError: a sample is unknown, or a picture has no split to follow.
        ConflictError: another writer was in the way.
    """
    ids = list(dict.fromkeys(request.ids))
    workspace.samples.rows([Column.SAMPLE_ID], ids)  # says which is unknown
    with workspace.store.operation("review", request=request) as operation:
        writing = _Writing(workspace, request, ids, operation)
        getattr(writing, request.queue)()
        writing.write_marks()
        writing.record()
        operation.counts |= {"pictures": len(ids)}
    return ReviewReport(
        queue=request.queue,
        answer=request.answer,
        pictures=len(ids),
        changed=len(writing.marks),
        layer=layer_of(request.queue),
    )


@dataclass
class _Writing:
    """One answer on its way into the dataset; each queue has a method of its name.

    Attributes:
        workspace: the dataset.
        request: the answer.
        ids: the pictures, each once.
        operation: what it becomes.
        marks: values by sample id and column that the answer gives.
    """

    workspace: Workspace
    request: AnswerReview
    ids: list[str]
    operation: Operation
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def pairs(self) -> None:
        """Make one the duplicate of the other, or none of the other's."""
        left, right = self.ids
        known = self._of_copies()
        if self.request.answer in {"left", "right"}:
            kept, dropped = (left, right) if self.request.answer == "left" else (right, left)
            groups = {
                str(column): known[kept][column] or known[dropped][column] or min(self.ids)
                for column in _GROUPS
            }
            for name in self._duplicates_of(dropped):
                self.marks[name] = {Column.DUPLICATE_OF: kept, **groups}
            self.marks[dropped] = {
                **groups,
                Column.DUPLICATE_OF: kept,
                Column.DUPLICATE_SCORE: self.request.score,
                Column.DUPLICATE_KIND: self.request.kind,
            }
            self.marks[kept] = {**dict.fromkeys(map(str, _OF_COPIES)), **groups}
            return
        for name, other in ((left, right), (right, left)):
            if known[name][Column.DUPLICATE_OF] == other:
                self.marks[name] = dict.fromkeys(map(str, _OF_COPIES))
        if self.request.answer == "different":
            self._leave_groups(known)

    def _of_copies(self) -> dict[str, dict[str, Any]]:
        """Return what is marked of the two pictures; None where nothing is."""
        columns = [one for one in (*_OF_COPIES, *_GROUPS) if self.workspace.samples.has(one)]
        rows = (
            self.workspace.samples.rows(columns, self.ids).to_pylist()
            if columns
            else [{} for _ in self.ids]
        )
        nothing: dict[str, Any] = dict.fromkeys((*_OF_COPIES, *_GROUPS))
        return {name: nothing | row for name, row in zip(self.ids, rows, strict=True)}

    def _duplicates_of(self, name: str) -> list[str]:
        if not self.workspace.samples.has(Column.DUPLICATE_OF):
            return []
        found = self.workspace.samples.of().equal(Column.DUPLICATE_OF, name).ids
        return [one for one in found if one not in self.ids]

    def _leave_groups(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        """Dissolve a group of the two alone: what is different need not stay together."""
        for column in _GROUPS:
            names = {of_it[column] for of_it in known.values()}
            if len(names) != 1 or None in names:
                continue
            members = self.workspace.samples.of().equal(column, names.pop()).ids
            if set(members) <= set(self.ids):
                for member in members:
                    self.marks.setdefault(member, {})[str(column)] = None

    def labels(self) -> None:
        """Leave the label, or give another."""
        if self.request.label is not None:
            self._give_class(self.request.label)

    def propagated(self) -> None:
        """Give a class, or none, in place of what was propagated."""
        if self.request.label is not None:
            self._give_class(self.request.label)
        self.operation.remove_annotations(_PROPAGATED, self.ids, "classification")

    def _give_class(self, label: str) -> None:
        rows = AnnotationRows(TRUTH, self.request.author)
        for name in self.ids:
            rows.add_class(name, label)
            self.marks[name] = {Column.LABEL: label}
        self.operation.remove_annotations(TRUTH, self.ids, "classification")
        self.operation.add_annotations(rows.table())

    def picks(self) -> None:
        """Leave a picture selected, or take it out of the selection."""
        if self.request.answer == "drop":
            for name in self.ids:
                self.marks[name] = {
                    Column.SELECTED: False,
                    Column.SELECTED_RANK: None,
                    Column.SELECTED_REASON: None,
                }

    def leaks(self) -> None:
        """Bring two pictures into one split, or leave them where they are."""
        if self.request.answer == "fine":
            return
        splits = self.workspace.samples.rows([Column.SPLIT], self.ids).column(0).to_pylist()
        stays, moves = (0, 1) if self.request.answer == "left" else (1, 0)
        if splits[stays] is None:
            raise UsageError(f"{self.ids[stays]} has no split for the other picture to follow")
        if splits[moves] != splits[stays]:
            self.marks[self.ids[moves]] = {Column.SPLIT: splits[stays]}

    def defects(self) -> None:
        """Leave the regions, or remove them; the score stays, since a model gave it."""
        if self.request.answer == "fine":
            for layer in {_DEFECTS, *models_of_layers(self.workspace)}:
                self.operation.remove_annotations(layer, self.ids, "mask")

    def drift(self) -> None:
        """Leave pictures as they are, or tag them to be labeled."""
        if self.request.answer == "label":
            tags = self.workspace.samples.rows([Column.TAGS], self.ids).column(0).to_pylist()
            for name, had in zip(self.ids, tags, strict=True):
                if TO_LABEL not in (had or ()):
                    self.marks[name] = {Column.TAGS: [*(had or ()), TO_LABEL]}

    def write_marks(self) -> None:
        """Stage the marks, column by column."""
        for column in sorted({name for of_it in self.marks.values() for name in of_it}):
            values = {n: of_it[column] for n, of_it in self.marks.items() if column in of_it}
            array = pa.array(list(values.values()), _TYPES[column])
            self.operation.set_marks(list(values), {column: array})

    def record(self) -> None:
        """Stage the answer itself, in place of an earlier one."""
        layer = layer_of(self.request.queue)
        about: dict[str, str | None] = dict.fromkeys(self.ids, self.request.label)
        of_two, answer = None, self.request.answer
        if self.request.queue in OF_TWO:
            about = {min(self.ids): max(self.ids)}
            if self.ids[0] != min(self.ids):
                answer = _MIRRORED.get(answer, answer)
            of_two = equal("text", max(self.ids))
        elif self.request.answer == "keep":
            labels = self.workspace.samples.rows([Column.LABEL], self.ids).column(0).to_pylist()
            about = dict(zip(self.ids, labels, strict=True))
        before = all_of(equal("layer", layer), one_of("sample_id", about), of_two)
        assert before is not None
        self.operation.remove_annotations_meeting(before)
        rows = AnnotationRows(layer, self.request.author)
        for name, text in about.items():
            entry = SourceAnnotation(name, answer, kind="classification", text=text)
            rows.add(name, entry, Placed())
        self.operation.add_annotations(rows.table())

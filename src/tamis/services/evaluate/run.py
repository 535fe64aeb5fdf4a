"""Compare a layer of predictions with the truth."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.average_precision import SIZES, evaluate_objects
from tamis.algo.intervals import share_right
from tamis.algo.ranked_precision import ranked_precision
from tamis.dataset.annotation_layers import BY_PROBE, TRUTH
from tamis.dataset.columns import equal
from tamis.errors import UsageError
from tamis.pages.page import require_page
from tamis.services.evaluate.contract import (
    ClassResult,
    Confusion,
    EvaluateReport,
    Share,
    SizeResult,
    SliceResult,
)
from tamis.services.evaluate.gallery import write_gallery
from tamis.services.evaluate.mistakes import disagreement, mistakes
from tamis.services.evaluate.pairs import (
    Pairs,
    paired_classes,
    paired_objects,
)
from tamis.services.evaluate.sides import objects_of, rows_of, same_keypoints, with_labels
from tamis.services.evaluate.slices import slices_of
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.detection.average_precision import Evaluation
    from tamis.algo.detection.objects import Objects
    from tamis.dataset.samples import SampleSet
    from tamis.runtime.workspace import Workspace
    from tamis.services.evaluate.contract import Evaluate
    from tamis.services.evaluate.sides import Task
    from tamis.verbs.feedback import Feedback

__all__ = ["evaluate"]


def evaluate(
    workspace: Workspace, request: Evaluate, _feedback: Feedback = SILENT
) -> EvaluateReport:
    """Compare predictions with the truth: objects as COCO does, or classes of pictures.

    Raises:
        UsageError: a layer has nothing to compare, a column is unknown, or the gallery's name is
            no page's.
        StorageError: the disk refuses the gallery.
    """
    if request.gallery is not None:
        require_page(request.gallery)
    samples = workspace.samples.of(request.where)
    ids = samples.ids
    sides = _sides(workspace, request, samples, ids)
    pairs = sides.pairs(request)
    judged = sides.judged()
    precision, recall = _shares(pairs)
    pictures = {
        *sides.true.column("picture").to_pylist(),
        *sides.predicted.column("picture").to_pylist(),
    }
    worst = disagreement(pairs, len(ids))
    if request.gallery is not None:
        shown = [ids[number] for number in worst.order.tolist()]
        write_gallery(
            workspace.samples,
            request,
            shown,
            worst,
            right=sides.without_mistake(pairs),
            out=request.gallery,
        )
    return EvaluateReport(
        layer=request.layer,
        truth=request.truth,
        task=sides.task,
        pictures=len(pictures),
        ap=sides.mean_precision(judged),
        ap50=_known(judged.mean(threshold=0)) if judged else None,
        ap75=_known(judged.mean(threshold=5)) if judged else None,
        precision=precision,
        recall=recall,
        classes=_classes(pairs, sides, judged),
        sizes=_sizes(judged),
        slices=_slices(samples, request.by, pairs, sides),
        confusion=_confusion(pairs, sides.labels),
        worst=worst.shown(samples),
        mistakes=mistakes(samples, pairs, sides.labels, sides.true, sides.predicted),
        gallery=None if request.gallery is None else str(request.gallery),
        tagged=None
        if request.tag is None
        else _tag(workspace, request, [ids[n] for n in worst.order.tolist()], request.tag),
        notes=sides.notes,
    )


@dataclass(frozen=True)
class _Sides:
    """Both layers.

    Attributes:
        task: what is compared.
        labels: all classes, sorted.
        true: rows of the truth.
        predicted: rows of the predictions.
        truths: them as objects; None of classes.
        guesses: likewise.
        notes: what was left out.
    """

    task: Task
    labels: list[str]
    true: pa.Table
    predicted: pa.Table
    truths: Objects | None
    guesses: Objects | None
    notes: list[str]

    def pairs(self, request: Evaluate) -> Pairs:
        """Return what belongs together."""
        if self.truths is None or self.guesses is None:
            return paired_classes(self.true, self.predicted, self.labels, request.confidence)
        return paired_objects(self.truths, self.guesses, request.confidence, request.overlap)

    def judged(self, pictures: NDArray[np.bool_] | None = None) -> Evaluation | None:
        """Return average precision, of some pictures if they are given; None of classes."""
        if self.truths is None or self.guesses is None:
            return None
        truths, guesses = (
            side if pictures is None else side.chosen(pictures[side.picture])
            for side in (self.truths, self.guesses)
        )
        return evaluate_objects(truths, guesses, len(self.labels))

    def ranked(self, pictures: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return the average precision of each class of pictures; nan where none is true."""
        places = [np.asarray(side.column("picture").to_numpy()) for side in self._both]
        names = pa.array(self.labels, pa.string())
        numbers = [
            pc.index_in(side.column("label"), value_set=names).to_numpy() for side in self._both
        ]
        scores = self.predicted.column("confidence").fill_null(1.0).to_numpy()
        kept = [np.ones(len(one), bool) if pictures is None else pictures[one] for one in places]
        kept[1] &= np.isin(places[1], places[0])
        keys = [
            place * len(self.labels) + number for place, number in zip(places, numbers, strict=True)
        ]
        right = np.isin(keys[1], keys[0])
        wanted = np.zeros(len(self.labels), np.int64)
        np.add.at(wanted, np.unique(keys[0][kept[0]]) % len(self.labels), 1)
        found = np.full(len(self.labels), np.nan)
        for label in np.flatnonzero(wanted):
            rows = kept[1] & (numbers[1] == label)
            found[label] = ranked_precision(right[rows], scores[rows], int(wanted[label]))
        return found

    def mean_precision(
        self, judged: Evaluation | None, pictures: NDArray[np.bool_] | None = None
    ) -> float | None:
        """Return the mean of the classes' average precision."""
        if judged is not None:
            return _known(judged.mean())
        each = self.ranked(pictures)
        each = each[~np.isnan(each)]
        return float(each.mean()) if each.size else None

    def without_mistake(self, pairs: Pairs) -> frozenset[str]:
        """Return the ids of annotations that are no mistake: they agree, or do not count."""
        wrong = pairs.chosen(pairs.wrong)
        found: set[str] = set()
        for rows, at in ((self.true, wrong.true_row), (self.predicted, wrong.predicted_row)):
            if "annotation_id" in rows.column_names:
                right = np.ones(len(rows), bool)
                right[at[at >= 0]] = False
                found.update(rows.column("annotation_id").filter(pa.array(right)).to_pylist())
        return frozenset(found)

    @property
    def _both(self) -> tuple[pa.Table, pa.Table]:
        return self.true, self.predicted


def _sides(
    workspace: Workspace, request: Evaluate, samples: SampleSet, ids: Sequence[str]
) -> _Sides:
    store, notes = workspace.store, []
    task: Task = request.task or "boxes"
    predicted = rows_of(store, request.layer, ids, task)
    if request.task is None and not predicted.num_rows:
        task = "classes"
        predicted = rows_of(store, request.layer, ids, task)
    true = rows_of(store, request.truth, ids, task)
    if task == "classes" and request.truth == TRUTH:
        true = with_labels(true, samples.column("label"))
    for layer, rows in ((request.layer, predicted), (request.truth, true)):
        if not rows.num_rows:
            raise UsageError(
                f"the layer {layer!r} has no {task} of these pictures; tamis label layers shows "
                "what there is"
            )
    notes += _reservations(workspace, request, true, predicted)
    if task == "keypoints":
        true, predicted, others = same_keypoints(true, predicted)
        if others:
            notes.append(f"{counted(others, 'object')} with another number of keypoints left out")
    names = pa.chunked_array([*true.column("label").chunks, *predicted.column("label").chunks])
    labels = sorted(pc.unique(names).to_pylist())
    if task == "classes":
        return _Sides(task, labels, true, predicted, None, None, notes)
    sizes = samples.table("width", "height")
    truths = objects_of(true, labels, task, sizes, true=True)
    guesses = objects_of(predicted, labels, task, sizes, true=False)
    return _Sides(task, labels, true, predicted, truths, guesses, notes)


def _reservations(
    workspace: Workspace, request: Evaluate, true: pa.Table, predicted: pa.Table
) -> list[str]:
    """Say why the figures may not mean what they seem to."""
    layer, truth = request.layer, request.truth
    notes = []
    if not pc.any(pc.is_in(predicted.column("picture"), true.column("picture"))).as_py():
        notes.append(
            f"no picture is in both {layer} and {truth}, so these figures say nothing about {layer}"
        )
    authors = workspace.store.annotations(["author"], equal("layer", layer)).column("author")
    of_probe = any((one or "").startswith(BY_PROBE) for one in pc.unique(authors).to_pylist())
    if of_probe and truth == TRUTH and request.where is None:
        notes.append(
            f"{layer} comes from a probe that was fitted to labels of these pictures, so it looks "
            "better than it is: evaluate only pictures that it was not fitted to (where), or take "
            "the accuracy that was measured when it was trained"
        )
    return notes


def _tag(workspace: Workspace, request: Evaluate, wrong: Sequence[str], tag: str) -> int:
    """Tag pictures with a mistake, as one operation, and return how many lacked the tag."""
    wrong = list(wrong[: request.most])
    before = workspace.samples.rows(["tags"], wrong).column("tags").to_pylist() if wrong else []
    fresh = {
        name: [*(tags or []), tag]
        for name, tags in zip(wrong, before, strict=True)
        if tag not in (tags or [])
    }
    if fresh:
        with workspace.store.operation("evaluate", request=request) as operation:
            operation.set_marks(list(fresh), {"tags": list(fresh.values())})
            operation.counts |= {"tagged": len(fresh)}
    return len(fresh)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _share(right: int, of: int) -> Share:
    if not of:
        return Share(None, None, None)
    found = share_right(right, of)
    return Share(found.value, found.low, found.high)


def _shares(pairs: Pairs) -> tuple[Share, Share]:
    """Return precision and recall."""
    right = int(np.count_nonzero((pairs.truth == pairs.predicted) & (pairs.truth >= 0)))
    made, there = (int(np.count_nonzero(side >= 0)) for side in (pairs.predicted, pairs.truth))
    return _share(right, made), _share(right, there)


def _classes(pairs: Pairs, sides: _Sides, judged: Evaluation | None) -> list[ClassResult]:
    found = []
    right = ~pairs.wrong
    precisions = sides.ranked() if judged is None else judged.by_class()
    for number, label in enumerate(sides.labels):
        is_true, is_predicted = pairs.truth == number, pairs.predicted == number
        truths, predictions = int(is_true.sum()), int(is_predicted.sum())
        hits = int((right & is_true).sum())
        found.append(
            ClassResult(
                label=label,
                truths=truths,
                predictions=predictions,
                ap=_known(float(precisions[number])),
                ap50=_known(float(judged.by_class(0)[number])) if judged else None,
                precision=_share(hits, predictions),
                recall=_share(hits, truths),
            )
        )
    return sorted(found, key=lambda one: (_low(one.recall), one.label))


def _low(share: Share) -> float:
    return 2.0 if share.value is None else share.value


def _sizes(judged: Evaluation | None) -> list[SizeResult]:
    if judged is None:
        return []
    return [
        SizeResult(size, _known(judged.mean(size)), _known(judged.mean_recall(size)))
        for size in SIZES
        if size != "all"
    ]


def _slices(
    samples: SampleSet, columns: Sequence[str], pairs: Pairs, sides: _Sides
) -> list[SliceResult]:
    found = []
    for column in columns:
        for value, inside in slices_of(samples, column):
            part = pairs.of(inside)
            precision, recall = _shares(part)
            found.append(
                SliceResult(
                    column=column,
                    value=value,
                    pictures=int(inside.sum()),
                    truths=int((part.truth >= 0).sum()),
                    ap=sides.mean_precision(sides.judged(inside), inside),
                    precision=precision,
                    recall=recall,
                )
            )
    return sorted(found, key=lambda one: (_low(one.recall), one.column, one.value or ""))


def _confusion(pairs: Pairs, labels: Sequence[str]) -> list[Confusion]:
    names: list[str | None] = [*labels, None]  # -1 is the last
    each = Counter(zip(pairs.truth.tolist(), pairs.predicted.tolist(), strict=True))
    ordered = sorted(each.items(), key=lambda one: (-one[1], one[0]))
    return [Confusion(names[truth], names[guess], count) for (truth, guess), count in ordered]

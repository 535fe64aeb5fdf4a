"""Compare a layer of predictions with the truth."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.algo.detection.average_precision import SIZES, Evaluation, evaluate_boxes
from tamis.algo.intervals import share_right
from tamis.dataset.annotation_layers import TRUTH
from tamis.errors import UsageError
from tamis.services.evaluate.contract import (
    ClassResult,
    Confusion,
    EvaluateReport,
    PictureErrors,
    Share,
    SizeResult,
    SliceResult,
)
from tamis.services.evaluate.pairs import (
    Pairs,
    boxes_of,
    paired_boxes,
    paired_classes,
    rows_of,
    with_labels,
)
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.samples import SampleSet
    from tamis.runtime.workspace import Workspace
    from tamis.services.evaluate.contract import Evaluate
    from tamis.verbs.feedback import Feedback

__all__ = ["evaluate"]

_WORST = 50


def evaluate(
    workspace: Workspace, request: Evaluate, _feedback: Feedback = SILENT
) -> EvaluateReport:
    """Compare predictions with the truth: boxes as COCO does, or classes of pictures.

    Raises:
        UsageError: a layer has nothing to compare, or a column is unknown.
    """
    store = workspace.store
    samples = workspace.samples.of(request.where)
    ids = samples.ids
    boxes = request.task == "boxes"
    predicted = rows_of(store, request.layer, ids, boxes=boxes or request.task is None)
    if request.task is None:
        boxes = predicted.num_rows > 0
        predicted = predicted if boxes else rows_of(store, request.layer, ids, boxes=False)
    true = rows_of(store, request.truth, ids, boxes=boxes)
    if not boxes and request.truth == TRUTH:
        true = with_labels(true, samples.column("label"))
    _require(request, true, predicted, "boxes" if boxes else "classes")
    names = pa.chunked_array([*true.column("label").chunks, *predicted.column("label").chunks])
    labels = sorted(pc.unique(names).to_pylist())
    judged: Evaluation | None = None
    if boxes:
        truths, guesses = boxes_of(true, labels), boxes_of(predicted, labels)
        judged = evaluate_boxes(truths, guesses, len(labels))
        sure = guesses.chosen(guesses.score >= request.confidence)
        pairs = paired_boxes(truths, sure, request.overlap)
    else:
        scores = predicted.column("confidence").fill_null(1.0)
        sure_rows = predicted.filter(pc.greater_equal(scores, request.confidence))
        pairs = paired_classes(true, sure_rows, labels)
    precision, recall = _shares(pairs)
    pictures = {*true.column("picture").to_pylist(), *predicted.column("picture").to_pylist()}
    return EvaluateReport(
        layer=request.layer,
        truth=request.truth,
        task="boxes" if boxes else "classes",
        pictures=len(pictures),
        ap=_known(judged.mean()) if judged else None,
        ap50=_known(judged.mean(threshold=0)) if judged else None,
        ap75=_known(judged.mean(threshold=5)) if judged else None,
        precision=precision,
        recall=recall,
        classes=_classes(pairs, labels, judged),
        sizes=_sizes(judged),
        slices=_slices(samples, request.by, pairs, len(ids)),
        confusion=_confusion(pairs, labels),
        worst=_worst(samples, pairs),
        tagged=None if request.tag is None else _tag(workspace, request, ids, pairs, request.tag),
    )


def _tag(
    workspace: Workspace, request: Evaluate, ids: Sequence[str], pairs: Pairs, tag: str
) -> int:
    """Tag pictures with a mistake, as one operation, and return how many lacked the tag."""
    wrong = [ids[n] for n in np.unique(pairs.picture[pairs.truth != pairs.predicted]).tolist()]
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


def _require(request: Evaluate, true: pa.Table, predicted: pa.Table, what: str) -> None:
    for layer, rows in ((request.layer, predicted), (request.truth, true)):
        if not rows.num_rows:
            raise UsageError(
                f"the layer {layer!r} has no {what} of these pictures; tamis label layers shows "
                "what there is"
            )


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


def _classes(pairs: Pairs, labels: Sequence[str], judged: Evaluation | None) -> list[ClassResult]:
    found = []
    right = pairs.truth == pairs.predicted
    for number, label in enumerate(labels):
        is_true, is_predicted = pairs.truth == number, pairs.predicted == number
        truths, predictions = int(is_true.sum()), int(is_predicted.sum())
        hits = int((right & is_true).sum())
        found.append(
            ClassResult(
                label=label,
                truths=truths,
                predictions=predictions,
                ap=_known(float(judged.by_class()[number])) if judged else None,
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
    samples: SampleSet, columns: Sequence[str], pairs: Pairs, pictures: int
) -> list[SliceResult]:
    found = []
    for column in columns:
        values = samples.column(column).cast(pa.string()).to_pylist()
        of_value: dict[str | None, list[int]] = {}
        for number, value in enumerate(values):
            of_value.setdefault(value, []).append(number)
        for value, numbers in of_value.items():
            inside = np.zeros(pictures, bool)
            inside[numbers] = True
            part = pairs.of(inside)
            precision, recall = _shares(part)
            truths = int((part.truth >= 0).sum())
            found.append(SliceResult(column, value, len(numbers), truths, precision, recall))
    return sorted(found, key=lambda one: (_low(one.recall), one.column, one.value or ""))


def _confusion(pairs: Pairs, labels: Sequence[str]) -> list[Confusion]:
    names: list[str | None] = [*labels, None]  # -1 is the last
    counted = Counter(zip(pairs.truth.tolist(), pairs.predicted.tolist(), strict=True))
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [Confusion(names[truth], names[guess], count) for (truth, guess), count in ordered]


def _worst(samples: SampleSet, pairs: Pairs) -> list[PictureErrors]:
    missed, invented, confused = Counter[int](), Counter[int](), Counter[int]()
    for picture, truth, guess in zip(
        *(side.tolist() for side in (pairs.picture, pairs.truth, pairs.predicted)), strict=True
    ):
        if truth == guess:
            continue
        counter = missed if guess < 0 else invented if truth < 0 else confused
        counter[picture] += 1
    total = missed + invented + confused
    order = sorted(total, key=lambda picture: (-total[picture], picture))[:_WORST]
    paths = samples.column("path").to_pylist() if order else []
    return [PictureErrors(paths[n], missed[n], invented[n], confused[n]) for n in order]

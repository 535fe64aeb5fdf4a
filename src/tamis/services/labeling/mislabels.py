"""Rank labels by how suspect they are, tag and show the suspects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.mislabels import KINDS, find_mislabels, label_examples
from tamis.algo.neighbors import knn_graph
from tamis.errors import UsageError
from tamis.machine import one_blas_thread
from tamis.pages.page import require_page
from tamis.services.labeling.contract import MislabelReport, Suspect
from tamis.services.labeling.gallery import write_suspects
from tamis.services.labeling.known_labels import known_labels
from tamis.services.labeling.own_model import of_layer, of_table
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.contract import FindMislabels
    from tamis.services.labeling.known_labels import KnownLabels
    from tamis.verbs.feedback import Feedback

__all__ = ["mislabels"]

_NEIGHBORS = 50
_KEPT: Final = 60
"""Suspects that the log keeps, for the report."""


def mislabels(
    workspace: Workspace, request: FindMislabels, feedback: Feedback = SILENT
) -> MislabelReport:
    """Rank the labels of pictures by how suspect they are; with `tag`, tag the suspects.

    What `tamis.algo.mislabels.find_mislabels` costs.

    Raises:
        UsageError: there are no such vectors, fewer than two classes, or nothing that your model
            says of these pictures.
        InputError: the table of your model cannot be read.
    """
    progress = feedback.stage("mislabels")
    if request.gallery is not None:
        require_page(request.gallery)
    known = known_labels(workspace, request.where, request.encoder).labeled()
    progress(0, len(known.ids))
    known, own, notes = _own_model(workspace, request, known)
    rng = np.random.default_rng(request.seed)
    graph = knn_graph(known.vectors, _NEIGHBORS, rng=rng)
    with one_blas_thread():
        found = find_mislabels(
            known.vectors,
            known.labels,
            groups=known.groups,
            probabilities=own,
            graph=graph,
            rng=rng,
        )
    suspect = found.order[found.kinds[found.order] != 0][: request.top]
    examples = label_examples(
        known.vectors, found, known.labels, suspect, groups=known.groups
    ).tolist()
    suspects = [
        Suspect(
            path=known.paths[row],
            sample_id=known.ids[row],
            given=str(known.labels[row]),
            suggested=str(found.classes[found.suggested[row]]),
            score=float(found.scores[row]),
            kind=KINDS[int(found.kinds[row])],
            examples=[known.paths[one] for one in like if one >= 0],
            example_ids=[known.ids[one] for one in like if one >= 0],
        )
        for row, like in zip(suspect.tolist(), examples, strict=True)
    ]
    progress(len(known.ids), len(known.ids))
    if own is None and not any(map(math.isfinite, found.planted.values())):
        notes = [
            *notes,
            "too few labels to plant wrong ones among: nothing says how good this ranking is",
        ]
    tagged = 0
    if request.tag is not None:
        tagged = _tag(workspace, request, suspects, request.tag, len(known.ids))
    report = MislabelReport(
        suspects=suspects,
        checked=len(known.ids),
        kinds=found.counts(),
        method=found.method,
        planted={name: value for name, value in found.planted.items() if math.isfinite(value)},
        tag=request.tag,
        tagged=tagged,
        gallery=None if request.gallery is None else str(request.gallery),
        encoder=known.encoder,
        notes=notes,
    )
    if request.gallery is not None:
        beside = {
            known.ids[row]: known.ids[like[0]]
            for row, like in zip(suspect.tolist(), examples, strict=True)
            if like[0] >= 0
        }
        write_suspects(workspace.samples, report, beside, request.gallery)
    return report


def _own_model(
    workspace: Workspace, request: FindMislabels, known: KnownLabels
) -> tuple[KnownLabels, NDArray[np.float64] | None, list[str]]:
    """Read what the user's model says, and leave out the pictures of which it says nothing."""
    if request.probabilities is not None:
        own = of_table(request.probabilities, known)
    elif request.predictions is not None:
        own = of_layer(workspace, request.predictions, known)
    else:
        return known, None, []
    said = np.flatnonzero(np.isfinite(own).all(axis=1))
    silent = len(known.ids) - said.size
    notes = [f"your model says nothing of {counted(silent, 'picture')}, and these were not judged"]
    left = known.labeled_of(said)
    only = np.unique(left.labels).tolist()
    if len(only) < 2:  # noqa: PLR2004 - no label could be wrong
        raise UsageError(
            f"your model says something of {counted(said.size, 'labeled picture')} only, all of "
            f"{only[0]!r}; labels are judged against those of another class"
        )
    there = np.isin(np.unique(known.labels), left.labels)
    return left, own[np.ix_(said, np.flatnonzero(there))], notes if silent else []


def _tag(
    workspace: Workspace,
    request: FindMislabels,
    suspects: Sequence[Suspect],
    tag: str,
    checked: int,
) -> int:
    store, ids = workspace.store, [one.sample_id for one in suspects]
    before = workspace.samples.rows(["tags"], ids).column("tags").to_pylist() if ids else []
    fresh = {
        sample_id: [*(tags or []), tag]
        for sample_id, tags in zip(ids, before, strict=True)
        if tag not in (tags or [])
    }
    with store.operation(
        "label mislabels", {"tag": tag}, request.seed, request=request
    ) as operation:
        if fresh:
            operation.set_marks(list(fresh), {"tags": list(fresh.values())})
        operation.counts |= {
            "checked": checked,
            "suspects": len(ids),
            "tagged": len(fresh),
            "found": [
                {
                    "id": one.sample_id,
                    "given": one.given,
                    "suggested": one.suggested,
                    "score": one.score,
                    "kind": one.kind,
                }
                for one in suspects[:_KEPT]
            ],
        }
    return len(fresh)

"""Labels for pictures that came later, by their neighbors, with nothing computed anew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.probe import NeighborHead
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.services.labeling.contract import PROPAGATED, ExpectedAccuracy, PropagationReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.runtime.workspace import Workspace
    from tamis.services.labeling.contract import Propagate
    from tamis.services.labeling.known_labels import KnownLabels

__all__ = ["label_new"]

_VOTERS: Final = 10
_METHOD: Final = "vote of the pictures labeled before"


def label_new(workspace: Workspace, request: Propagate, known: KnownLabels) -> PropagationReport:
    """Label the pictures that have neither a label nor a propagated one, as one operation.

    The ten nearest of those that have one vote, propagated ones by their confidence. O(M N D) for
    M new pictures among N.

    Raises:
        UsageError: nothing was propagated yet.
        ConflictError: another writer was in the way.
    """
    told = workspace.store.annotations(
        ["sample_id", "label", "confidence"], f"layer = '{PROPAGATED}'"
    ).to_pylist()
    if not told:
        raise UsageError("nothing was propagated yet: run  tamis label propagate  first")
    row_of = {name: row for row, name in enumerate(known.ids)}
    given = {
        row: (str(label), 1.0) for row, label in zip(known.rows.tolist(), known.labels, strict=True)
    }
    for one in told:
        row = row_of.get(one["sample_id"])
        if row is not None and row not in given and one["label"] is not None:
            given[row] = (one["label"], one["confidence"] or 0.0)
    classes = sorted({label for label, _ in given.values()})
    voters = np.array(sorted(given), np.int64)
    new = np.setdiff1d(np.arange(len(known.ids)), voters)
    head = NeighborHead(known.vectors[voters], _votes(voters, given, classes), _VOTERS)
    rows = AnnotationRows(PROPAGATED, author=f"tamis: {_METHOD}")
    counted: Counter[str] = Counter()
    if new.size:
        shares = np.exp(head.logits(known.vectors[new]))
        likeliest, sure = shares.argmax(axis=1), shares.max(axis=1)
        for place in np.flatnonzero(sure >= request.least_confidence).tolist():
            label = classes[likeliest[place]]
            counted[label] += 1
            rows.add_class(known.ids[new[place]], label, float(sure[place]))
    found = len(rows)
    with workspace.store.operation(
        "label propagate",
        {"where": request.where, "method": _METHOD},
        request.seed,
        request=request,
    ) as operation:
        if found:
            operation.add_annotations(rows.table())
        operation.counts |= {"propagated": found}
    return PropagationReport(
        labels=int(voters.size),
        propagated=found,
        abstained=int(new.size) - found,
        classes=dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))),
        expected_accuracy=ExpectedAccuracy(None, 0.0, 1.0),
        measured=0,
        method=_METHOD,
        tried=[],
        conflicts=[],
        layer=PROPAGATED,
        encoder=known.encoder,
        notes=["how right these are was not measured: run  tamis label propagate  for that"],
    )


def _votes(
    voters: NDArray[np.int64], given: dict[int, tuple[str, float]], classes: list[str]
) -> NDArray[np.float64]:
    """Return what each says of the classes, `[S, K]`: its own by its confidence, the rest alike."""
    number = {name: place for place, name in enumerate(classes)}
    own = np.array([number[given[row][0]] for row in voters.tolist()])
    sure = np.array([given[row][1] for row in voters.tolist()])
    sure = np.maximum(sure, 1.0 / len(classes))
    rest = (1.0 - sure) / max(len(classes) - 1, 1)
    votes = np.repeat(rest[:, None], len(classes), axis=1)
    votes[np.arange(voters.size), own] = sure
    return votes

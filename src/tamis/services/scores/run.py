"""How representative and how unique each picture of a dataset is, as marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.representativeness import score_rows
from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind
from tamis.errors import UsageError
from tamis.services.scores.contract import PictureScore, ScoreReport
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from tamis.runtime.workspace import Workspace
    from tamis.services.scores.contract import Scores
    from tamis.verbs.feedback import Feedback

__all__ = ["scores"]

_SHOWN = 10


def scores(workspace: Workspace, request: Scores, feedback: Feedback = SILENT) -> ScoreReport:
    """Mark each picture with its `representativeness` and its `uniqueness`, in one operation.

    Marks of pictures that take no part are cleared: scores compare pictures of one run only. The
    seed draws the pictures to compare with where there are over 20,000.

    Raises:
        UsageError: no picture with a vector meets the condition.
    """
    store, progress = workspace.store, feedback.stage("scores")
    known = workspace.vector_column(request.encoder)
    samples = workspace.samples.of(request.where).vectors(known.name)
    size = len(samples.ids)
    if size == 0:
        raise UsageError(f"no picture with a vector in {samples.column} meets the condition")
    progress(0, size)
    found = score_rows(samples.vectors, rng=np.random.default_rng(request.seed))
    scored = workspace.samples.of(kind=Kind.ALL).having(Column.REPRESENTATIVENESS)
    old = sorted(set(scored.ids) - set(samples.ids))
    params = {"column": samples.column}
    with store.operation("scores", params=params, seed=request.seed, request=request) as operation:
        operation.set_marks(
            [*samples.ids, *old],
            {
                name: pa.array([*values.tolist(), *[None] * len(old)], pa.float32())
                for name, values in (
                    (Column.REPRESENTATIVENESS, found.representativeness),
                    (Column.UNIQUENESS, found.uniqueness),
                )
            },
        )
        operation.counts["scored"] = size

    def best(values: np.ndarray) -> list[PictureScore]:
        rows = np.argsort(-values, kind="stable")[:_SHOWN]
        paths = store.read(["path"], ids=[samples.ids[row] for row in rows])["path"].to_pylist()
        return [
            PictureScore(path, float(found.representativeness[row]), float(found.uniqueness[row]))
            for path, row in zip(paths, rows.tolist(), strict=True)
        ]

    progress(size, size)
    return ScoreReport(
        scored=size,
        copies=int((found.uniqueness == 0).sum()),
        representative=best(found.representativeness),
        unique=best(found.uniqueness),
        width=found.width,
        encoder=known.spec,
        column=samples.column,
        recall=found.recall,
    )

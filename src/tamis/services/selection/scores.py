"""How representative and how unique each picture of a dataset is, as marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.representativeness import score_rows
from tamis.dataset.embedded import read_embedded
from tamis.errors import UsageError
from tamis.types import no_progress

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.types import Progress

__all__ = ["PictureScore", "ScoreReport", "score"]

_SHOWN = 10


@dataclass(frozen=True)
class PictureScore:
    """One picture's scores; see `tamis.algo.representativeness.RowScores`."""

    path: str
    representativeness: float
    uniqueness: float


@dataclass(frozen=True)
class ScoreReport:
    """What was scored.

    Attributes:
        scored: how many pictures.
        copies: how many have an identical vector beside them, uniqueness 0.
        representative: the ten most representative pictures, best first.
        unique: the ten most unique pictures, best first.
        width: Euclidean distance at which a picture counts by 1/e; the median distance to the
            tenth nearest.
        column: the vector column.
        recall: share of the true neighbours found; 1 if exact.
    """

    scored: int
    copies: int
    representative: list[PictureScore]
    unique: list[PictureScore]
    width: float
    column: str
    recall: float


def score(
    store: Store,
    *,
    column: str | None = None,
    where: str | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> ScoreReport:
    """Mark each picture with its `representativeness` and its `uniqueness`, in one operation.

    Marks of pictures that take no part are cleared: scores compare pictures of one run only.

    Args:
        store: the dataset.
        column: vector column; if None the one with the most vectors.
        where: SQL condition on the pictures that are compared with each other.
        seed: draws the pictures to compare with where there are over 20,000.
        progress: told before and after.

    Raises:
        UsageError: no picture with a vector meets the condition.
    """
    samples = read_embedded(store, column, where)
    size = len(samples.ids)
    if size == 0:
        raise UsageError(f"no picture with a vector in {samples.column} meets the condition")
    progress(0, size)
    found = score_rows(samples.vectors, rng=np.random.default_rng(seed))
    before = []
    if "representativeness" in store.columns():
        marked = store.read(["sample_id"], "representativeness IS NOT NULL")
        before = marked.column("sample_id").to_pylist()
    old = sorted(set(before) - set(samples.ids))
    params = {"column": samples.column, "where": where}
    with store.operation("scores", params=params, seed=seed) as operation:
        operation.set_marks(
            [*samples.ids, *old],
            {
                name: pa.array([*values.tolist(), *[None] * len(old)], pa.float32())
                for name, values in (
                    ("representativeness", found.representativeness),
                    ("uniqueness", found.uniqueness),
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
        column=samples.column,
        recall=found.recall,
    )
